"""The other side of keras-h5.test.ts: makes photos, and asks Keras what it thinks of them with Atoll's model.h5."""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf


def make(folder, size, per_class):
    rng = np.random.default_rng(1)
    for label, name in enumerate(["blue", "green", "red"]):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for i in range(per_class):
            photo = rng.integers(0, 150, (size, size, 3))
            photo[:, :, 2 - label] += 100
            png = tf.io.encode_png(tf.constant(photo, tf.uint8))
            tf.io.write_file(os.path.join(folder, name, f"{i:03}.png"), png)


def compare(folder, run):
    model = tf.keras.models.load_model(os.path.join(run, "model.h5"))
    with open(os.path.join(run, "predictions.json")) as file:
        predictions = json.load(file)
    photos = [tf.io.decode_png(tf.io.read_file(os.path.join(folder, p["file"]))).numpy() for p in predictions]
    theirs = model.predict(np.stack(photos).astype(np.float32) / 255, verbose=0)
    ours = np.array([p["scores"] for p in predictions])
    before = model.get_weights()[0].copy()
    model.fit(np.stack(photos).astype(np.float32) / 255, theirs.argmax(1), verbose=0)
    print(
        json.dumps(
            {
                "version": keras.__version__,
                "parameters": model.count_params(),
                "photos": len(photos),
                "classes": theirs.shape[1],
                "maxDifference": float(np.abs(theirs - ours).max()),
                "trainsOn": bool(np.abs(model.get_weights()[0] - before).max() > 0),
            }
        )
    )


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    compare(sys.argv[2], sys.argv[3])
