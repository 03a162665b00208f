"""Runs .tflite files in ai-edge-litert: the other side of litert-python.test.ts.

    run-litert.py FOLDER

For each NAME.tflite in FOLDER, NAME.in holds inputs one after another, as many as fit; NAME.out gets the first output of each. The
last line of standard output is the version.
"""
import glob
import importlib.metadata
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.tflite"))):
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    (entry,), exit = interpreter.get_input_details(), interpreter.get_output_details()[0]
    inputs = np.fromfile(path[: -len("tflite")] + "in", entry["dtype"]).reshape([-1, *entry["shape"]])
    with open(path[: -len("tflite")] + "out", "wb") as file:
        for one in inputs:
            interpreter.set_tensor(entry["index"], one)
            interpreter.invoke()
            file.write(interpreter.get_tensor(exit["index"]).tobytes())
print(importlib.metadata.version("ai-edge-litert"))
