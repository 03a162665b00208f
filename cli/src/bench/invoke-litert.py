"""Runs a model by ai-edge-litert, one thread, when it is told to.

    invoke-litert.py FILE

Says {"ready": version} when it is loaded. Each line on standard input is a number: the model is fed and run so often, and a line
with the milliseconds of every run comes back as a JSON list.
"""
import importlib.metadata
import json
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def load(path):
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    values = np.random.default_rng(1).integers(0, 256, given["shape"], dtype=np.uint8)
    return interpreter, given["index"], interpreter.get_output_details()[0]["index"], values


def run(interpreter, given, wanted, values):
    began = time.perf_counter()
    interpreter.set_tensor(given, values)
    interpreter.invoke()
    interpreter.get_tensor(wanted)
    return (time.perf_counter() - began) * 1000


model = load(sys.argv[1])
print(json.dumps({"ready": importlib.metadata.version("ai-edge-litert")}), flush=True)
for line in sys.stdin:
    print(json.dumps([run(*model) for _ in range(int(line))]), flush=True)
