"""One tiny float .tflite for each operation that Atoll makes int8, written by TensorFlow's own converter.

    tiny-ops.py OUT

OUT gets NAME.tflite, and NAME-int8.tflite where TFLiteConverter makes the operation int8 as well. Every model takes an 8 x 8 photo in 0..1,
brings it to signed features by one convolution, and gives what the operation makes of them. OUT/photos/noise/*.png are 40 photos that
calibrate and judge.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

out = sys.argv[1]
rng = np.random.default_rng(7)
weights = lambda *shape: tf.constant(rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32))
stem, bias = 3 * weights(3, 3, 3, 8), weights(8)
image = tf.image
nn = tf.nn


def features(photo):
    """[1, 8, 8, 8], about -2..2."""
    return nn.conv2d(photo, stem, 1, "SAME") + bias


def unfused(x):
    """The same values turned: what comes after is not fused into the convolution."""
    return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [1, 8, 8, 8])


other = weights(1, 8, 8, 8)
OPS = {
    "CONV_2D": lambda x: nn.bias_add(nn.conv2d(x, weights(3, 3, 8, 12), 2, "SAME"), weights(12)),
    "CONV_2D-dilated": lambda x: nn.relu(nn.conv2d(x, weights(3, 3, 8, 12), 1, "VALID", dilations=2)),
    "DEPTHWISE_CONV_2D": lambda x: nn.relu6(nn.depthwise_conv2d(x, weights(3, 3, 8, 1), [1, 2, 2, 1], "SAME") + bias),
    "TRANSPOSE_CONV": lambda x: nn.conv2d_transpose(x, weights(3, 3, 6, 8), [1, 16, 16, 6], 2, "SAME"),
    "FULLY_CONNECTED": lambda x: tf.matmul(tf.reshape(x, [1, 512]), weights(512, 10)) + weights(10),
    "ADD": lambda x: x + nn.relu(x),
    "ADD-constant": lambda x: nn.max_pool2d(x, 2, 2, "VALID") + weights(1, 4, 4, 8),
    "SUB": lambda x: nn.max_pool2d(x, 3, 1, "SAME") - x,
    "MUL": lambda x: x * nn.sigmoid(x),
    "MUL-constant": lambda x: nn.max_pool2d(x, 2, 2, "VALID") * weights(8),
    "MAXIMUM": lambda x: tf.maximum(x, unfused(x)),
    "MINIMUM": lambda x: tf.minimum(x, unfused(x)),
    "SQUARED_DIFFERENCE": lambda x: tf.math.squared_difference(x, unfused(x)),
    "MAX_POOL_2D": lambda x: nn.max_pool2d(x, 2, 2, "VALID"),
    "AVERAGE_POOL_2D": lambda x: nn.avg_pool2d(x, 3, 2, "SAME"),
    "MEAN": lambda x: tf.reduce_mean(x, [1, 2]),
    "MEAN-channels": lambda x: tf.reduce_mean(x, 3, keepdims=True),
    "SUM": lambda x: tf.reduce_sum(x, [1, 2]),
    "REDUCE_MAX": lambda x: tf.reduce_max(x, [1, 2]),
    "REDUCE_MIN": lambda x: tf.reduce_min(x, 3),
    "CONCATENATION": lambda x: tf.concat([x, 3 * nn.max_pool2d(x, 3, 1, "SAME")], 3),
    "RESHAPE": lambda x: tf.reshape(x, [1, 64, 8]),
    "SQUEEZE": lambda x: tf.squeeze(tf.reduce_mean(x, [1, 2], keepdims=True), [1, 2]),
    "EXPAND_DIMS": lambda x: tf.expand_dims(tf.reduce_mean(x, 3), 1),
    "PAD": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
    "PADV2": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], constant_values=0.5),
    "MIRROR_PAD": lambda x: tf.pad(x, [[0, 0], [1, 1], [2, 2], [0, 0]], "REFLECT"),
    "TRANSPOSE": lambda x: tf.transpose(x, [0, 3, 1, 2]),
    "SLICE": lambda x: tf.slice(x, [0, 1, 2, 0], [1, 4, 3, 8]),
    "STRIDED_SLICE": lambda x: x[:, 1:7:2, ::2, :],
    "SPLIT": lambda x: tf.split(x, 2, 3)[1] + 1.5 * tf.split(x, 2, 3)[0],
    "SPLIT_V": lambda x: tf.split(x, [3, 5], 3)[1],
    "PACK": lambda x: tf.stack([x[:, :, :, 0], x[:, :, :, 3]], 1),
    "UNPACK": lambda x: tf.unstack(x, axis=1)[2],
    "GATHER": lambda x: tf.gather(x, [6, 0, 3], axis=3),
    "SPACE_TO_DEPTH": lambda x: nn.space_to_depth(x, 2),
    "DEPTH_TO_SPACE": lambda x: nn.depth_to_space(x, 2),
    "RESIZE_BILINEAR": lambda x: image.resize(x, (15, 13)),
    "RESIZE_NEAREST_NEIGHBOR": lambda x: image.resize(x, (16, 16), "nearest"),
    "TILE": lambda x: tf.tile(x, [1, 2, 1, 1]),
    "RELU": lambda x: nn.relu(unfused(x)),
    "RELU6": lambda x: nn.relu6(3 * unfused(x)),
    "RELU_N1_TO_1": lambda x: tf.minimum(tf.maximum(unfused(x), -1.0), 1.0),
    "LEAKY_RELU": lambda x: nn.leaky_relu(x, 0.2),
    "PRELU": lambda x: tf.keras.layers.PReLU("he_normal", shared_axes=[1, 2])(x),
    "HARD_SWISH": lambda x: x * nn.relu6(x + 3) * np.float32(1 / 6),
    "LOGISTIC": lambda x: nn.sigmoid(x),
    "TANH": lambda x: tf.tanh(x),
    "SOFTMAX": lambda x: nn.softmax(tf.matmul(tf.reshape(x, [1, 512]), weights(512, 10))),
    "LOG_SOFTMAX": lambda x: nn.log_softmax(tf.matmul(tf.reshape(x, [1, 512]), weights(512, 10))),
    "L2_NORMALIZATION": lambda x: tf.math.l2_normalize(tf.reduce_mean(x, [1, 2]), 1, 1e-6),
    "ELU": lambda x: nn.elu(x),
    "GELU": lambda x: nn.gelu(x, True),
    "RSQRT": lambda x: tf.math.rsqrt(nn.sigmoid(x)),
    "ARG_MAX": lambda x: tf.argmax(tf.reduce_mean(x, [1, 2]), 1, tf.int32),
}


class Tiny(tf.Module):
    """Variables that an operation makes (PReLU's) live here."""

    def __init__(self, operation):
        self.layers = {}
        self.operation = operation

    @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32)])
    def __call__(self, photo):
        return self.operation(features(photo))


def write(name, content):
    with open(os.path.join(out, name), "wb") as file:
        file.write(content)


photos = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
os.makedirs(os.path.join(out, "photos", "noise"), exist_ok=True)
for i, photo in enumerate(photos):
    tf.io.write_file(os.path.join(out, "photos", "noise", f"{i:03}.png"), tf.io.encode_png(photo))
made = {}
for name, operation in OPS.items():
    if name == "PRELU":
        alpha = tf.constant(rng.uniform(0.05, 0.5, (1, 1, 8)).astype(np.float32))
        layer = tf.keras.layers.PReLU(shared_axes=[1, 2])
        layer.build([1, 8, 8, 8])
        layer.set_weights([alpha.numpy()])
        operation = layer
    module = Tiny(operation)
    function = module.__call__.get_concrete_function()
    converter = lambda: tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    write(f"{name}.tflite", converter().convert())
    full = converter()
    full.optimizations = [tf.lite.Optimize.DEFAULT]
    full.representative_dataset = lambda: ([photo[None].astype(np.float32) / 255] for photo in photos)
    full.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    full.inference_input_type = tf.uint8
    full.inference_output_type = tf.int32 if name == "ARG_MAX" else tf.uint8
    try:
        write(f"{name}-int8.tflite", full.convert())
        made[name] = None
    except Exception as error:
        made[name] = str(error).strip().split("\n")[0][:200]
print(json.dumps(made))
