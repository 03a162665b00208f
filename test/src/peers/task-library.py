"""Reads a .tflite with the readers of tflite-support: its metadata as JSON, and a picture through the task library's classifier.

python task-library.py MODEL PICTURE
prints one JSON document, or {"missing": reason} where a library that the package needs is not on this machine.
"""

import json
import sys

try:
    from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version as versions
    from tflite_support import metadata
    from tflite_support.task import vision
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit(0)

model, picture = sys.argv[1:]
displayer = metadata.MetadataDisplayer.with_model_file(model)
files = {
    name: displayer.get_associated_file_buffer(name).decode() for name in displayer.get_packed_associated_file_list()
}
classifier = vision.ImageClassifier.create_from_file(model)
result = classifier.classify(vision.TensorImage.create_from_file(picture))
print(
    json.dumps(
        {
            "metadata": json.loads(displayer.get_metadata_json()),
            "leastParser": versions.GetMinimumMetadataParserVersion(bytes(displayer.get_metadata_buffer())),
            "files": files,
            "classes": [
                {"name": category.category_name, "score": category.score}
                for category in result.classifications[0].categories
            ],
        }
    )
)
