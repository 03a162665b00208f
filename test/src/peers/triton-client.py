"""Asks a node what Triton's own client can ask, over one of its two protocols, and prints what came as one JSON document.

python triton-client.py grpc|http ADDRESS INPUT
The node has model tiny 1 and 2 in its repository, 2 in service; INPUT is a file with the bytes of its one input.
"""

import json
import queue
import sys

import numpy as np

protocol, address, path = sys.argv[1:]
if protocol == "grpc":
    import tritonclient.grpc as triton

    as_json = {"as_json": True}
else:
    import tritonclient.http as triton

    as_json = {}

client = triton.InferenceServerClient(url=address)
pixels = np.fromfile(path, dtype=np.uint8).reshape(1, 16, 16, 3)


def inputs(name="image", array=pixels, **binary):
    tensor = triton.InferInput(name, list(array.shape), "UINT8" if array.dtype == np.uint8 else "FP32")
    tensor.set_data_from_numpy(array, **binary)
    return [tensor]


def refused(call):
    try:
        call()
    except triton.InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def scores(result):
    return {
        "scores": result.as_numpy("scores").tolist(),
        "version": result.get_response(**as_json)["model_version"],
    }


seen = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "modelReady": [client.is_model_ready("tiny"), client.is_model_ready("tiny", "2"), client.is_model_ready("other")],
    "server": client.get_server_metadata(**as_json),
    "metadata": client.get_model_metadata("tiny", **as_json),
    "config": client.get_model_config("tiny", **as_json),
    "index": client.get_model_repository_index(**as_json),
    "infer": scores(client.infer("tiny", inputs(), request_id="a", priority=1, timeout=5_000_000)),
    "named": scores(
        client.infer(
            "tiny", inputs(), outputs=[triton.InferRequestedOutput("scores")], sequence_id=7, sequence_start=True
        )
    ),
    "classes": [
        text.decode()
        for text in client.infer("tiny", inputs(), outputs=[triton.InferRequestedOutput("scores", class_count=2)])
        .as_numpy("scores")
        .tolist()
    ],
    "errors": {
        "name": refused(lambda: client.infer("tiny", inputs("img"))),
        "model": refused(lambda: client.infer("other", inputs())),
        "version": refused(lambda: client.infer("tiny", inputs(), model_version="9")),
        "datatype": refused(lambda: client.infer("tiny", inputs(array=pixels.astype(np.float32)))),
        "shape": refused(lambda: client.infer("tiny", inputs(array=pixels[:, :4]))),
        "output": refused(lambda: client.infer("tiny", inputs(), outputs=[triton.InferRequestedOutput("boxes")])),
        "load": refused(lambda: client.load_model("other")),
        "statistics": refused(lambda: client.get_inference_statistics("other")),
    },
}

if protocol == "grpc":
    answers = queue.Queue()
    client.async_infer("tiny", inputs(), lambda result, error: answers.put((result, error)))
    result, error = answers.get(timeout=30)
    seen["async"] = scores(result) if error is None else error.message()

    client.start_stream(lambda result, error: answers.put((result, error)))
    for model in ("tiny", "other", "tiny"):
        client.async_stream_infer(model, inputs(), request_id=model)
    seen["stream"] = []
    for _ in range(3):
        result, error = answers.get(timeout=30)
        seen["stream"].append(scores(result) if error is None else error.message())
    client.stop_stream()
else:
    seen["async"] = scores(client.async_infer("tiny", inputs()).get_result())
    seen["typed"] = scores(client.infer("tiny", inputs(binary_data=False)))

seen["shared"] = [client.get_system_shared_memory_status(**as_json), client.get_cuda_shared_memory_status(**as_json)]
client.unregister_system_shared_memory()
seen["errors"]["register"] = refused(lambda: client.register_system_shared_memory("r", "/r", 8))
client.load_model("tiny")
seen["statistics"] = client.get_inference_statistics("tiny", **as_json)
client.unload_model("tiny")
seen["unloaded"] = [client.is_model_ready("tiny"), client.get_model_repository_index(**as_json)]
client.load_model("tiny")
seen["loaded"] = client.is_model_ready("tiny")
client.close()
json.dump(seen, sys.stdout)
