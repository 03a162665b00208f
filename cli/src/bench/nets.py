"""Trains the nets of `atoll bench quantize` with Keras 2.15 on the photos of six CIFAR-10 classes.

    nets.py PHOTOS OUT NAME...

PHOTOS holds train/CLASS/*.png and test/CLASS/*.png of 32 x 32 pixels. Of the training photos the first 1,000 of a class
train; the others and all test photos, 3,000, judge. OUT/NAME gets model.h5, labels.txt, net.json, calib/CLASS/*.png (200 of
the photos that trained) and eval/CLASS/*.png. Every photo is written at the size of the net's input, so that nobody who reads
one resizes it.
"""
import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from tensorflow.keras import Model, applications, layers

SIDE = 32
TRAINING_OF_A_CLASS = 1000
CALIBRATION_PHOTOS = 200
MOSAICS = 1200


def read_photos(root):
    labels = sorted(os.listdir(os.path.join(root, "train")))

    def read(split, label):
        folder = os.path.join(root, split, label)
        names = sorted(os.listdir(folder))
        return [tf.io.decode_png(tf.io.read_file(os.path.join(folder, name)), 3).numpy() for name in names]

    train, judge = [], []
    for index, label in enumerate(labels):
        photos = read("train", label)
        train += [(photo, index) for photo in photos[:TRAINING_OF_A_CLASS]]
        judge += [(photo, index) for photo in photos[TRAINING_OF_A_CLASS:] + read("test", label)]
    rng = np.random.default_rng(1)
    rng.shuffle(train := np.array(train, dtype=object))
    split = lambda pairs: (np.stack([p for p, _ in pairs]), np.array([c for _, c in pairs], np.int32))
    return labels, split(train), split(judge)


def resized(photos, size):
    """uint8 photos at size x size, bilinear."""
    if size == photos.shape[1]:
        return photos
    return np.concatenate(
        [
            np.clip(np.rint(tf.image.resize(photos[i : i + 256], (size, size)).numpy()), 0, 255).astype(np.uint8)
            for i in range(0, len(photos), 256)
        ]
    )


def mosaics(photos, classes, count, seed):
    """2 x 2 photos each, and the class of every pixel: the task of a segmenter."""
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, len(photos), (count, 4))
    halves = [np.concatenate([photos[picked[:, i]], photos[picked[:, i + 1]]], 2) for i in (0, 2)]
    quadrants = classes[picked].reshape(count, 2, 2)
    return np.concatenate(halves, 1), quadrants.repeat(SIDE, 1).repeat(SIDE, 2), classes[picked]


def cnn(classes):
    """The reference CNN of `atoll train`, layer for layer."""
    model = tf.keras.Sequential([layers.Input((100, 100, 3))])
    for filters in (16, 64, 128):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
        if filters == 64:
            model.add(layers.Dropout(0.2))
    for layer in (layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(classes, activation="softmax")):
        model.add(layer)
    return model


def mobilenet_v1(classes):
    return applications.MobileNet((64, 64, 3), alpha=0.5, weights=None, classes=classes, dropout=0.1)


def mobilenet_v2(classes):
    return applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, classes=classes)


def norm_relu(x):
    return layers.ReLU()(layers.BatchNormalization()(x))


def residual(classes):
    """A ResNet-14 of 32 x 32 pixels: BatchNorm, Add, a strided 1 x 1 shortcut."""
    inputs = layers.Input((32, 32, 3))
    x = norm_relu(layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs))
    for filters, stride in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        y = norm_relu(layers.Conv2D(filters, 3, stride, "same", use_bias=False)(x))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        if stride != 1 or x.shape[-1] != filters:
            x = layers.BatchNormalization()(layers.Conv2D(filters, 1, stride, "same", use_bias=False)(x))
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(classes, activation="softmax")(x))


def segmenter(classes):
    """Encoder and decoder with skips and transposed convolutions; a softmax for every pixel."""
    inputs = layers.Input((2 * SIDE, 2 * SIDE, 3))
    skips, x = [], inputs
    for filters in (8, 24, 48):
        x = norm_relu(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = norm_relu(layers.Conv2D(80, 3, padding="same", use_bias=False)(x))
    for filters, skip in zip((48, 24, 8), reversed(skips)):
        x = layers.Conv2DTranspose(filters, 3, 2, "same", activation="relu")(x)
        x = layers.Concatenate()([x, skip])
        x = norm_relu(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
    return Model(inputs, layers.Conv2D(classes, 1, activation="softmax")(x))


def two_branches(classes):
    """Two branches of unlike ranges, one ending in tanh and one in ReLU, joined by concatenations."""
    inputs = layers.Input((48, 48, 3))
    fine = layers.Conv2D(24, 3, 2, "same", activation="relu")(inputs)
    fine = layers.Conv2D(32, 3, padding="same", activation="relu")(fine)
    coarse = layers.AveragePooling2D()(inputs)
    coarse = layers.Conv2D(24, 5, padding="same", activation="tanh")(coarse)
    x = layers.Concatenate()([fine, coarse])
    x = layers.MaxPooling2D()(x)
    wide = layers.Conv2D(48, 3, padding="same", activation="relu")(x)
    deep = layers.Conv2D(32, 1, activation="sigmoid")(x)
    x = layers.Concatenate()([wide, deep])
    x = layers.Conv2D(64, 3, 2, "same", activation="relu")(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dense(64, activation="relu")(x)
    return Model(inputs, layers.Dense(classes, activation="softmax")(x))


def activations(classes):
    """LeakyReLU, PReLU, separable convolutions, and squeeze-and-excite gates through a sigmoid."""
    inputs = layers.Input((48, 48, 3))
    x = layers.Conv2D(24, 3, 2, "same", use_bias=False)(inputs)
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization()(x))
    for filters in (32, 64):
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization()(x))
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Conv2D(filters // 4, 1, activation="relu")(gate)
        gate = layers.Conv2D(filters, 1, activation="sigmoid")(gate)
        x = layers.MaxPooling2D()(layers.Multiply()([x, gate]))
    x = layers.Conv2D(96, 3, padding="same", use_bias=False)(x)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    x = layers.Flatten()(layers.AveragePooling2D(3)(x))
    return Model(inputs, layers.Dense(classes, activation="softmax")(x))


def mobilenet_v2_224(classes):
    return applications.MobileNetV2((224, 224, 3), weights=None, classes=classes)


def large(classes):
    """100 MB of float weights, as a VGG has them: some in convolutions, most in one dense layer."""
    inputs = layers.Input((96, 96, 3))
    x = inputs
    for filters in (32, 64, 128, 256):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, 3, padding="same", activation="relu")(x))
    x = layers.Dense(2656, activation="relu")(layers.Flatten()(x))
    return Model(inputs, layers.Dense(classes, activation="softmax")(x))


def small(classes):
    """Learns in seconds: the net of the test that runs every day."""
    model = tf.keras.Sequential([layers.Input((32, 32, 3))])
    for filters in (16, 32, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        for layer in (layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()):
            model.add(layer)
    for layer in (layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(classes, activation="softmax")):
        model.add(layer)
    return model


# Name: builder, epochs (0: the weights stay random, only the time of a conversion is measured), learning rate.
NETS = {
    "small": (small, 3, 3e-3),
    "cnn": (cnn, 10, 1e-3),
    "mobilenet-v1": (mobilenet_v1, 8, 3e-3),
    "mobilenet-v2": (mobilenet_v2, 8, 3e-3),
    "residual": (residual, 10, 3e-3),
    "segmenter": (segmenter, 5, 3e-3),
    "two-branches": (two_branches, 10, 1.5e-3),
    "activations": (activations, 10, 3e-3),
    "mobilenet-v2-224": (mobilenet_v2_224, 0, 0),
    "large": (large, 0, 0),
}


def batches(photos, targets, size, batch=64):
    """Shuffled, flipped, moved by up to 3 pixels."""

    def augment(photo, target):
        photo = tf.image.random_flip_left_right(photo)
        photo = tf.image.random_crop(tf.pad(photo, [[3, 3], [3, 3], [0, 0]], "SYMMETRIC"), (SIDE, SIDE, 3))
        photo = tf.cast(photo, tf.float32)
        return (photo if size == SIDE else tf.image.resize(photo, (size, size))) / 255, target

    data = tf.data.Dataset.from_tensor_slices((photos, targets)).shuffle(len(photos), seed=1)
    segments = targets.ndim > 1
    data = data.map((lambda p, t: (tf.cast(p, tf.float32) / 255, t)) if segments else augment, tf.data.AUTOTUNE)
    return data.batch(batch).prefetch(2)


def write_photos(folder, photos, names):
    for photo, name in zip(photos, names):
        path = os.path.join(folder, name + ".png")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        tf.io.write_file(path, tf.io.encode_png(photo))


def train(name, out, labels, training, judging):
    tf.keras.utils.set_random_seed(1)
    tf.keras.backend.clear_session()
    build, epochs, rate = NETS[name]
    if name == "small":
        judging = [part[::2] for part in judging]
    model = build(len(labels))
    size = model.input_shape[1]
    if epochs == 0:
        title = lambda i, c: f"{labels[c]}/{i:05}"
        calib = resized(training[0][:CALIBRATION_PHOTOS], size)
        write_photos(os.path.join(out, name, "calib"), calib, [title(i, c) for i, c in enumerate(training[1])])
        save(model, out, labels, {"name": name, "parameters": model.count_params(), "size": size, "accuracy": None})
        return
    steps = epochs * -(-len(training[0]) // 64)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        rate / 10, int(steps * 0.9), warmup_target=rate, warmup_steps=int(steps * 0.1)
    )
    model.compile(tf.keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", ["accuracy"])
    started = time.time()
    folder = os.path.join(out, name)
    if name == "segmenter":
        photos, targets, _ = mosaics(*training, len(training[0]), 1)
        model.fit(batches(photos, targets, size, 32), epochs=epochs, verbose=2)
        photos, _, calib = mosaics(*training, CALIBRATION_PHOTOS, 2)
        judged, targets, quadrants = mosaics(*judging, MOSAICS, 3)
        title = lambda i, classes: f"mosaic/{i:05}-" + "-".join(labels[c] for c in classes)
        write_photos(os.path.join(folder, "calib"), photos, [title(i, c) for i, c in enumerate(calib)])
        write_photos(os.path.join(folder, "eval"), judged, [title(i, c) for i, c in enumerate(quadrants)])
    else:
        model.fit(batches(*training, size), epochs=epochs, verbose=2)
        judged, targets = resized(judging[0], size), judging[1]
        calib = resized(training[0][:CALIBRATION_PHOTOS], size)
        title = lambda i, c: f"{labels[c]}/{i:05}"
        write_photos(os.path.join(folder, "calib"), calib, [title(i, c) for i, c in enumerate(training[1])])
        write_photos(os.path.join(folder, "eval"), judged, [title(i, c) for i, c in enumerate(targets)])
    right = sum(
        (model.predict(judged[i : i + 100].astype(np.float32) / 255, verbose=0).argmax(-1) == targets[i : i + 100]).sum()
        for i in range(0, len(judged), 100)
    )
    facts = {
        "name": name,
        "parameters": model.count_params(),
        "size": size,
        "epochs": epochs,
        "trainingPhotos": len(training[0]),
        "evalPhotos": len(judged),
        "accuracy": float(right / targets.size),
        "trainSeconds": round(time.time() - started, 1),
        "tensorflow": tf.__version__,
    }
    save(model, out, labels, facts)


def save(model, out, labels, facts):
    """net.json comes last: a net without one is not ready."""
    folder = os.path.join(out, facts["name"])
    model.save(os.path.join(folder, "model.h5"))
    with open(os.path.join(folder, "labels.txt"), "w") as file:
        file.write("\n".join(labels) + "\n")
    with open(os.path.join(folder, "net.json"), "w") as file:
        json.dump(facts, file)
    print(json.dumps(facts), flush=True)


def main(photos, out, names):
    labels, training, judging = read_photos(photos)
    for name in names:
        train(name, out, labels, training, judging)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
