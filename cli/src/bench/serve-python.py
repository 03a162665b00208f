"""A model behind KServe's or MLServer's Python server, run by ai-edge-litert with one thread, as their pages teach.

    serve-python.py kserve|mlserver NAME FILE GRPC_PORT HTTP_PORT METRICS_PORT

perf_analyzer asks for Triton's ModelConfig and measures no server without it, so both get that one method more; every other is
their own.
"""
import asyncio
import logging
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from grpc import aio, method_handlers_generic_handler, unary_unary_rpc_method_handler

TYPE_UINT8 = 2


class LiteRt:
    def __init__(self, path):
        self.interpreter = Interpreter(path, num_threads=1)
        self.interpreter.allocate_tensors()
        [self.given] = self.interpreter.get_input_details()
        [self.wanted] = self.interpreter.get_output_details()

    def run(self, values):
        self.interpreter.set_tensor(self.given["index"], values.reshape(self.given["shape"]))
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.wanted["index"])

    def inputs(self):
        return [tensor_metadata(self.given)]

    def outputs(self):
        return [tensor_metadata(self.wanted)]


def tensor_metadata(tensor):
    return {"name": tensor["name"], "datatype": "UINT8", "shape": [int(size) for size in tensor["shape"]]}


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def number(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def model_config(name, model):
    """ModelConfigResponse {config = 1} of Triton's grpc_service.proto; ModelConfig of its model_config.proto."""

    def tensor(details, dims_field):
        dims = b"".join(varint(size) for size in tensor_metadata(details)["shape"])
        return chunk(1, details["name"].encode()) + number(2, TYPE_UINT8) + chunk(dims_field, dims)

    config = chunk(1, name.encode()) + chunk(2, b"litert") + number(4, 0)
    return chunk(1, config + chunk(5, tensor(model.given, 4)) + chunk(6, tensor(model.wanted, 3)))


def answer_model_config(name, model):
    config = model_config(name, model)
    create = aio.server

    async def answer(_request, _context):
        return config

    def created(*args, **kwargs):
        server = create(*args, **kwargs)
        handlers = {"ModelConfig": unary_unary_rpc_method_handler(answer)}
        server.add_generic_rpc_handlers((method_handlers_generic_handler("inference.GRPCInferenceService", handlers),))
        return server

    aio.server = created


def serve_kserve(name, litert, grpc_port, http_port):
    from kserve import InferOutput, InferResponse, Model, ModelServer

    class Served(Model):
        def __init__(self):
            super().__init__(name)
            self.ready = True

        def load(self):
            return True

        async def get_input_types(self):
            return litert.inputs()

        async def get_output_types(self):
            return litert.outputs()

        def predict(self, request, headers=None, response_headers=None):
            scores = litert.run(request.inputs[0].as_numpy())
            output = InferOutput(litert.wanted["name"], list(scores.shape), "UINT8")
            output.set_data_from_numpy(scores, binary_data=True)
            return InferResponse(request.id, name, [output])

    ModelServer(http_port=http_port, grpc_port=grpc_port, workers=1).start([Served()])


def serve_mlserver(name, path, litert, grpc_port, http_port, metrics_port):
    from mlserver import MLModel, MLServer, ModelSettings, Settings
    from mlserver.codecs import NumpyCodec
    from mlserver.types import InferenceResponse

    class Served(MLModel):
        async def load(self):
            return True

        async def predict(self, payload):
            scores = litert.run(NumpyCodec.decode_input(payload.inputs[0]).astype(np.uint8, copy=False))
            return InferenceResponse(model_name=name, outputs=[NumpyCodec.encode_output(litert.wanted["name"], scores)])

    # A worker process would only add a hop: the model lies in the server, which is MLServer's faster way here.
    settings = Settings(
        host="127.0.0.1", http_port=http_port, grpc_port=grpc_port, metrics_port=metrics_port, parallel_workers=0
    )
    sys.modules[__name__].Served = Served
    model = ModelSettings(
        name=name,
        implementation=f"{__name__}.Served",
        inputs=litert.inputs(),
        outputs=litert.outputs(),
        parameters={"uri": path},
    )
    asyncio.run(started(MLServer, settings, model))


async def started(server, settings, model):
    await server(settings).start([model])


kind, name, path, *ports = sys.argv[1:]
grpc_port, http_port, metrics_port = map(int, ports)
logging.disable(logging.INFO)
litert = LiteRt(path)
answer_model_config(name, litert)
if kind == "kserve":
    serve_kserve(name, litert, grpc_port, http_port)
else:
    serve_mlserver(name, path, litert, grpc_port, http_port, metrics_port)
