"""Asks a node through KServe's two clients and prints what came as one JSON document.

python kserve-client.py GRPC_ADDRESS HTTP_ADDRESS INPUT
"""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

grpc_address, http_address, path = sys.argv[1:]
pixels = np.fromfile(path, dtype=np.uint8).reshape(1, 16, 16, 3)


def request(model="tiny", binary=True):
    tensor = InferInput("image", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[tensor])


def scores(response):
    return {"scores": response.outputs[0].as_numpy().tolist(), "version": response.model_version}


async def refused(call):
    try:
        await call
    except Exception as error:  # what it raises is the client's own affair
        return str(error)
    return None


async def over_grpc():
    client = InferenceGRPCClient(url=grpc_address)
    try:
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "modelReady": await client.is_model_ready("tiny"),
            "raw": scores(await client.infer(request())),
            "typed": scores(await client.infer(request(binary=False))),
            "refusal": await refused(client.infer(request("other"))),
        }
    finally:
        await client.close()


async def over_rest():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    url = f"http://{http_address}"
    try:
        return {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "modelReady": await client.is_model_ready(url, "tiny"),
            "raw": scores(await client.infer(url, request(), model_name="tiny")),
            "typed": scores(await client.infer(url, request(binary=False), model_name="tiny")),
            "refusal": await refused(client.infer(url, request("other"), model_name="other")),
        }
    finally:
        await client.close()


async def main():
    json.dump({"grpc": await over_grpc(), "http": await over_rest()}, sys.stdout)


asyncio.run(main())
