"""The other side of keras-models.test.ts: makes a model of every layer and topology in one, or networks, with random weights,
saves them as .h5 and .keras, and notes what it predicts. Runs with Keras 2.15 and with Keras 3.

    python keras-models.py DIR everything|networks
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np
from keras import layers as L

KERAS3 = keras.__version__.startswith("3")
rng = np.random.default_rng(7)


def one(layer, shape=(9, 8, 4)):
    """A model of one layer."""
    x = keras.Input(shape)
    return keras.Model(x, layer(x))


def pair(layer, shape=(6, 6, 4), other=None):
    a, b = keras.Input(shape), keras.Input(other or shape)
    return keras.Model([a, b], layer([a, b]))


def layers():
    for padding in ("same", "valid"):
        yield f"conv_{padding}", one(L.Conv2D(5, 3, strides=2, padding=padding, activation="relu"))
        yield f"conv_dilated_{padding}", one(L.Conv2D(5, (3, 2), dilation_rate=2, padding=padding, use_bias=False))
        yield f"depthwise_{padding}", one(L.DepthwiseConv2D(3, strides=2, padding=padding, depth_multiplier=2))
        yield f"separable_{padding}", one(L.SeparableConv2D(6, 3, padding=padding, depth_multiplier=2, activation="relu6"))
        for stride, kernel in ((1, 3), (2, 3), (2, 2), (3, 2)):
            yield f"transposed_{padding}_{stride}_{kernel}", one(
                L.Conv2DTranspose(5, (kernel, 3), strides=(stride, 2), padding=padding)
            )
        yield f"max_pool_{padding}", one(L.MaxPooling2D(3, strides=2, padding=padding))
        yield f"average_pool_{padding}", one(L.AveragePooling2D(3, strides=2, padding=padding))
        yield f"conv1d_{padding}", one(L.Conv1D(5, 3, strides=2, padding=padding), (9, 4))
        yield f"max_pool1d_{padding}", one(L.MaxPooling1D(3, strides=2, padding=padding), (9, 4))
        yield f"average_pool1d_{padding}", one(L.AveragePooling1D(2, padding=padding), (9, 4))
    yield "transposed_plain", one(L.Conv2DTranspose(3, 4, strides=2, use_bias=False))
    yield "conv1d_causal", one(L.Conv1D(5, 3, dilation_rate=2, padding="causal"), (9, 4))
    yield "conv_groups", one(L.Conv2D(6, 3, groups=2, activation="tanh"))
    yield "dense", one(L.Dense(7, activation="sigmoid"), (5,))
    yield "dense_of_pictures", one(L.Dense(7, activation="softmax"))
    yield "batch_normalization", one(L.BatchNormalization())
    yield "batch_normalization_bare", one(L.BatchNormalization(scale=False, center=False, epsilon=0.01))
    for name in ("relu", "relu6", "leaky_relu", "sigmoid", "tanh", "softmax", "hard_sigmoid", "swish", "elu", "gelu", "selu"):
        activation = name
        if not KERAS3 and name in ("relu6", "leaky_relu"):
            import tensorflow as tf

            activation = getattr(tf.nn, name)
        yield f"activation_{name}", one(L.Activation(activation))
    if KERAS3:
        yield "activation_hard_silu", one(L.Activation("hard_silu"))
        yield "activation_log_softmax", one(L.Activation("log_softmax"))
    yield "relu_layer", one(L.ReLU())
    yield "relu_top", one(L.ReLU(max_value=1.5))
    yield "relu_six", one(L.ReLU(6.0))
    yield "relu_slope", one(L.ReLU(negative_slope=0.2, max_value=1))
    yield "leaky_relu_layer", one(L.LeakyReLU(0.15))
    yield "prelu", one(L.PReLU())
    yield "prelu_shared", one(L.PReLU(shared_axes=[1, 2]))
    yield "elu_layer", one(L.ELU())
    yield "softmax_layer", one(L.Softmax())
    yield "global_average", one(L.GlobalAveragePooling2D())
    yield "global_average_kept", one(L.GlobalAveragePooling2D(keepdims=True))
    yield "global_max", one(L.GlobalMaxPooling2D())
    yield "global_max_kept", one(L.GlobalMaxPooling2D(keepdims=True))
    yield "global_average1d", one(L.GlobalAveragePooling1D(), (9, 4))
    yield "global_max1d", one(L.GlobalMaxPooling1D(), (9, 4))
    yield "zero_padding", one(L.ZeroPadding2D(((1, 2), (3, 0))))
    yield "zero_padding1d", one(L.ZeroPadding1D((1, 2)), (9, 4))
    yield "cropping", one(L.Cropping2D(((1, 2), (3, 0))))
    yield "cropping1d", one(L.Cropping1D((1, 2)), (9, 4))
    yield "upsampling", one(L.UpSampling2D((2, 3)))
    yield "upsampling_bilinear", one(L.UpSampling2D((2, 3), interpolation="bilinear"))
    yield "upsampling1d", one(L.UpSampling1D(3), (9, 4))
    yield "resizing", one(L.Resizing(5, 12))
    yield "resizing_nearest", one(L.Resizing(5, 12, interpolation="nearest"))
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
        yield f"merge_{name}", pair(getattr(L, name)())
    yield "merge_stretched", pair(L.Multiply(), (6, 6, 4), (1, 1, 4))
    yield "concatenate_axis", pair(L.Concatenate(axis=1))
    yield "reshape", one(L.Reshape((-1, 6)))
    yield "flatten", one(L.Flatten())
    yield "permute", one(L.Permute((3, 1, 2)))
    yield "repeat", one(L.RepeatVector(4), (5,))
    yield "dropout", one(lambda x: L.GaussianNoise(0.1)(L.Dropout(0.3)(L.SpatialDropout2D(0.1)(L.ReLU()(x)))))
    yield "augmentation", one(lambda x: L.RandomFlip()(L.RandomRotation(0.1)(L.RandomZoom(0.1)(L.ReLU()(x)))), (9, 8, 3))
    yield "rescaling", one(L.Rescaling(1 / 127.5, offset=-1))
    yield "normalization_given", one(L.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0]))
    learned = L.Normalization()
    learned.adapt(rng.normal(size=(20, 9, 8, 4)).astype("float32"))
    yield "normalization_learned", one(learned)
    yield "lstm", one(L.LSTM(5), (7, 4))
    yield "lstm_sequences", one(L.LSTM(5, return_sequences=True, go_backwards=True, use_bias=False), (7, 4))
    yield "gru", one(L.GRU(5), (7, 4))
    yield "rnn", one(L.SimpleRNN(5, return_sequences=True), (7, 4))
    yield "bidirectional", one(L.Bidirectional(L.LSTM(5)), (7, 4))
    yield "bidirectional_sequences", one(L.Bidirectional(L.GRU(5, return_sequences=True), merge_mode="sum"), (7, 4))
    yield "functions", functions()


def functions():
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    x = (1 - a) * b / 127.5 - 1
    if KERAS3:
        from keras import ops

        x = ops.relu6(ops.concatenate([x, a], -1))
        x = ops.clip(x * ops.mean(x, [1, 2], keepdims=True), 0.0, 1.0)
        y = ops.reshape(ops.image.resize(x[:, 1:-1, ::2, :3], (5, 5)), (-1, 75))
        y = ops.maximum(ops.silu(-y), 0.1) + ops.square(y)
        y = ops.squeeze(ops.expand_dims(y, 1), 1)
        return keras.Model([a, b], [y, ops.transpose(x, (0, 3, 1, 2)), ops.max(x, axis=[1, 2]), x[:, 0, -1]])
    import tensorflow as tf

    x = tf.nn.relu6(tf.concat([x, a], -1))
    x = tf.clip_by_value(x * tf.reduce_mean(x, [1, 2], keepdims=True), 0.0, 1.0)
    y = tf.reshape(tf.image.resize(x[:, 1:-1, ::2, :3], (5, 5)), (-1, 75))
    y = tf.maximum(tf.nn.silu(-y), 0.1) + y**2.0
    y = tf.squeeze(tf.expand_dims(y, 1), 1)
    return keras.Model([a, b], [y, tf.transpose(x, (0, 3, 1, 2)), tf.reduce_max(x, axis=[1, 2]), x[:, 0, -1]])


def block(name, prefix=""):
    x = keras.Input((8, 8, 4))
    y = L.BatchNormalization(name=f"{prefix}bn")(x)
    y = L.Conv2D(4, 3, padding="same", name=f"{prefix}conv")(y)
    return keras.Model(x, L.Add(name=f"{prefix}sum")([x, y]), name=name)


def topologies():
    x = keras.Input((8, 8, 3), name="photo")
    shared = L.Conv2D(4, 3, padding="same", name="shared")
    narrow = L.Conv2D(3, 1, name="narrow")
    a = shared(x)
    c = shared(narrow(a))
    inner = block("block")
    d = inner(inner(c))
    chain = keras.Sequential([L.Conv2D(4, 1), L.ReLU(), L.SeparableConv2D(5, 3)], name="chain")
    e = chain(d)
    f = L.Concatenate()([L.GlobalAveragePooling2D()(L.Add()([a, d])), L.GlobalMaxPooling2D()(e)])
    outputs = [L.Dense(3, activation="softmax", name="kinds")(f), L.Dense(2, activation="sigmoid", name="marks")(f)]
    yield "nested_shared", keras.Model(x, outputs)
    frozen = block("frozen_block", "frozen_")
    frozen.trainable = False
    renamed = L.Dense(3)
    yield "frozen", keras.Sequential([keras.Input((8, 8, 4)), frozen, block("free_block", "free_"), L.Flatten(), renamed])
    outer_in = keras.Input((8, 8, 4))
    outer = keras.Model(outer_in, block("deep")(block("shallow")(outer_in)), name="outer")
    top = keras.Input((8, 8, 4))
    yield "nested_twice", keras.Model(top, L.Conv2D(2, 1)(outer(top)))
    p, q = keras.Input((6,), name="p"), keras.Input((4,), name="q")
    two = keras.Model([p, q], [L.Dense(5)(p), L.Concatenate()([p, q])], name="two")
    r, s = keras.Input((6,), name="r"), keras.Input((4,), name="s")
    t, u = two([r, s])
    yield "several_values", keras.Model([r, s], L.Dense(2)(L.Concatenate()([u, t])))


def networks():
    apps = keras.applications
    made = [
        ("mobilenet", apps.MobileNet, 64, dict(alpha=0.5)),
        ("mobilenet_v2", apps.MobileNetV2, 64, dict(alpha=0.5)),
        ("mobilenet_v3_small", apps.MobileNetV3Small, 64, dict(minimalistic=False)),
        ("efficientnet_b0", apps.EfficientNetB0, 64, {}),
        ("resnet50", apps.ResNet50, 64, {}),
        ("densenet121", apps.DenseNet121, 64, {}),
        ("inception_v3", apps.InceptionV3, 96, {}),
        ("xception", apps.Xception, 96, {}),
        ("nasnet_mobile", apps.NASNetMobile, 64, {}),
        ("vgg16", apps.VGG16, 32, {}),
    ]
    for name, build, size, more in made:
        yield name, build(weights=None, input_shape=(size, size, 3), classes=10, **more), ["h5", "keras"], [name]
        keras.backend.clear_session()


def randomize(model):
    """Statistics and offsets that do something; kernels stay as drawn, so that values neither vanish nor grow."""
    for weight in model.weights:
        name = getattr(weight, "path", weight.name)
        shape = tuple(weight.shape)
        if "variance" in name:
            weight.assign(rng.uniform(0.5, 1.5, shape))
        elif "gamma" in name:
            weight.assign(rng.uniform(0.8, 1.2, shape))
        elif "count" not in name and ("mean" in name or "beta" in name or "bias" in name or "alpha" in name):
            weight.assign(rng.normal(0, 0.1, shape))


def everything():
    """All the small models in one, each a nested model with inputs and outputs of its own."""
    # An .h5 cannot hold two layers of one name in one nested model.
    for kind, left_out in (("h5", ["nested_twice"]), ("keras", [])):
        keras.backend.clear_session()
        inputs, outputs, cases = [], [], []
        for name, model in [*layers(), *topologies()]:
            if name in left_out:
                continue
            if name != "normalization_learned":
                randomize(model)
            model = keras.Model(model.inputs, model.outputs, name=name)
            own = [keras.Input(x.shape[1:], name=f"{name}_{i}") for i, x in enumerate(model.inputs)]
            made = model(own if len(own) > 1 else own[0])
            made = list(made) if isinstance(made, (list, tuple)) else [made]
            inputs += own
            outputs += made
            cases += [name] * len(made)
        yield "everything", keras.Model(inputs, outputs), [kind], cases


def main(folder, group):
    os.makedirs(folder, exist_ok=True)
    files = []
    for name, model, kinds, cases in everything() if group == "everything" else networks():
        if group == "networks":
            randomize(model)
        inputs = [rng.normal(size=(1, *x.shape[1:])).astype("float32") for x in model.inputs]
        found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        for kind in kinds:
            file = f"{name}.{kind}"
            model.save(os.path.join(folder, file))
            for end, values in ((".inputs", inputs), (".outputs", found)):
                np.concatenate([x.ravel() for x in values]).astype("float32").tofile(os.path.join(folder, file + end))
            names = [x.name.split(":")[0] for x in model.inputs]
            files.append({"file": file, "inputs": names, "outputs": [[case, int(x.size)] for case, x in zip(cases, found)]})
    print(json.dumps({"version": keras.__version__, "files": files}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
