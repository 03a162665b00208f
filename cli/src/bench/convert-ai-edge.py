"""ai-edge-quantizer on one net of `atoll bench quantize`: its full-integer recipe static_wi8_ai8 on NET/peers/float.tflite.

    convert-ai-edge.py NET PHOTOS.npy average|minmax

NET/peers gets aeq.tflite, with the calibration that it has by default (a moving average of each photo's range), or
aeq-minmax.tflite, with the plain range over all photos, which its calibrator takes as an update function. int8 at both ends. The
last line of standard output says what it took: the seconds from the model file to the written file.
"""
import importlib.metadata
import json
import os
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import calibrator, quantizer, recipe
from ai_edge_quantizer.utils import qsv_utils

net, photos_file, ranges = sys.argv[1:]
source = os.path.join(net, "peers", "float.tflite")
photos = np.load(photos_file, mmap_mode="r")
interpreter = Interpreter(source)
((signature, names),) = interpreter.get_signature_list().items()
(entry,) = names["inputs"]
del interpreter


started = time.perf_counter()
job = quantizer.Quantizer(source)
job.load_quantization_recipe(recipe.static_wi8_ai8())
# A list: the calibrator goes through the data more than once.
data = {signature: [{entry: np.array(photo)[None]} for photo in photos]}
if ranges == "average":
    found = job.calibrate(data)
else:
    observer = calibrator.Calibrator(source, qsv_update_func=qsv_utils.min_max_update)
    observer.calibrate(data, job._recipe_manager)
    found = observer.get_model_qsvs()
content = job.quantize(found).quantized_model
with open(os.path.join(net, "peers", "aeq.tflite" if ranges == "average" else "aeq-minmax.tflite"), "wb") as file:
    file.write(content)
seconds = round(time.perf_counter() - started, 3)
version = importlib.metadata.version("ai-edge-quantizer")
print(json.dumps({"version": version, "photos": len(photos), "seconds": seconds}))
