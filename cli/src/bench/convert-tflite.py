"""TFLiteConverter on one net of `atoll bench quantize`: full integer, calibrated on every photo of NET/calib.

    convert-tflite.py NET int8
    convert-tflite.py NET float PHOTOS.npy

The first writes NET/peers/tflite.tflite, uint8 at both ends; the second NET/peers/float.tflite and, for the peer that reads no
PNG, the same photos in the same order as float32 in 0..1. The last line of standard output says what it took: the seconds from the
model file to the written file, which are the smaller part of this process's time.
"""
import glob
import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

net, kind, *photos_file = sys.argv[1:]
peers = os.path.join(net, "peers")
os.makedirs(peers, exist_ok=True)
paths = sorted(glob.glob(os.path.join(net, "calib", "*", "*.png")))
# Photos of all classes in turn: a moving average that saw one class last would remember that class alone.
paths.sort(key=lambda path: os.path.basename(path))


def photos():
    for path in paths:
        yield [tf.io.decode_png(tf.io.read_file(path), 3).numpy().astype(np.float32)[None] / 255]


def convert():
    model = tf.keras.models.load_model(os.path.join(net, "model.h5"), compile=False)
    # A batch of one, as Atoll and every device have it.
    spec = tf.TensorSpec([1, *model.input_shape[1:]], tf.float32)
    function = tf.function(model).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    if kind == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = photos
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return converter.convert()


started = time.perf_counter()
with open(os.path.join(peers, "float.tflite" if kind == "float" else "tflite.tflite"), "wb") as file:
    file.write(convert())
seconds = round(time.perf_counter() - started, 3)
for name in photos_file:
    np.save(name, np.concatenate([photo for photo, in photos()]))
print(json.dumps({"version": tf.__version__, "photos": len(paths), "seconds": seconds}))
