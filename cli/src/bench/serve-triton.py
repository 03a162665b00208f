"""The model of Triton's Python backend: a .tflite beside it, run by ai-edge-litert with one thread."""
import os

import triton_python_backend_utils as pb_utils
from ai_edge_litert.interpreter import Interpreter


class TritonPythonModel:
    def initialize(self, args):
        path = os.path.join(args["model_repository"], args["model_version"], "model.tflite")
        self.interpreter = Interpreter(path, num_threads=1)
        self.interpreter.allocate_tensors()
        [self.given] = self.interpreter.get_input_details()
        [self.wanted] = self.interpreter.get_output_details()

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        values = pb_utils.get_input_tensor_by_name(request, self.given["name"]).as_numpy()
        self.interpreter.set_tensor(self.given["index"], values)
        self.interpreter.invoke()
        scores = self.interpreter.get_tensor(self.wanted["index"])
        return pb_utils.InferenceResponse([pb_utils.Tensor(self.wanted["name"], scores)])
