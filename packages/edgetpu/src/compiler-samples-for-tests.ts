// Short excerpts of what edgetpu_compiler printed for other people, versions 2.0 to 16.0, for the tests of the parser. Each names
// where it was published; the words are the compiler's.

const partly =
  'Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will instead run on the CPU, which is ' +
  'slower. If possible, consider updating your model to use only operations supported by the Edge TPU. For details, visit g.co/coral/model-reqs.';

/** A .log file of version 14.1. Source: repository rajansaini691/retinanet-model-tflite, tiny_yolo_edgetpu.log. */
export const tinyYoloLog = `Edge TPU Compiler version 14.1.317412892
Input: tiny_yolo.tflite
Output: tiny_yolo_edgetpu.tflite

Operator                       Count      Status

CONCATENATION                  1          More than one subgraph is not supported
MAX_POOL_2D                    6          Mapped to Edge TPU
RESIZE_NEAREST_NEIGHBOR        1          Operation version not supported
CONV_2D                        11         Mapped to Edge TPU
CONV_2D                        2          More than one subgraph is not supported
QUANTIZE                       1          Operation is otherwise supported, but not mapped due to some unspecified limitation
QUANTIZE                       1          More than one subgraph is not supported
QUANTIZE                       2          Mapped to Edge TPU
`;

/** A search that succeeds at once, version 16 with -s. Source: WongKinYiu/yolov7 pull request 1672, table cut short. */
export const yoloSearch16 = `Edge TPU Compiler version 16.0.384591198
Searching for valid delegate with step 10
Try to compile segment with 246 ops
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 3133 ms.

Input model: runs/train/exp8/weights/best-int8.tflite
Input size: 6.00MiB
Output model: runs/train/exp8/weights/best-int8_edgetpu.tflite
Output size: 6.47MiB
On-chip memory used for caching model parameters: 5.90MiB
On-chip memory remaining for caching model parameters: 1.16MiB
Off-chip memory used for streaming uncached model parameters: 41.75KiB
Number of Edge TPU subgraphs: 1
Total number of operations: 246
Operation log: runs/train/exp8/weights/best-int8_edgetpu.log

Operator                       Count      Status

ADD                            3          Mapped to Edge TPU
Compilation child process completed within timeout period.
Compilation succeeded! 
`;

/** A .log file of a model with float input and output, version 15. Source: repository system-software-lab/nrf20. */
export const mnistFloatLog = `Edge TPU Compiler version 15.0.340273435
Input: mnist4.tflite
Output: mnist4_edgetpu.tflite

Operator                       Count      Status

RESHAPE                        1          Mapped to Edge TPU
CONV_2D                        2          Mapped to Edge TPU
SOFTMAX                        1          Mapped to Edge TPU
QUANTIZE                       1          Operation is otherwise supported, but not mapped due to some unspecified limitation
DEQUANTIZE                     1          Operation is working on an unsupported data type
MAX_POOL_2D                    2          Mapped to Edge TPU
FULLY_CONNECTED                2          Mapped to Edge TPU
`;

/** The same model with integer input and output. Source: as before. */
export const mnistIntegerLog = `Edge TPU Compiler version 15.0.340273435
Input: mnist7.tflite
Output: mnist7_edgetpu.tflite

Operator                       Count      Status

SOFTMAX                        1          Mapped to Edge TPU
FULLY_CONNECTED                2          Mapped to Edge TPU
RESHAPE                        1          Mapped to Edge TPU
CONV_2D                        2          Mapped to Edge TPU
MAX_POOL_2D                    2          Mapped to Edge TPU
`;

/** A model that breaks early, version 15. Source: a public log, apparently of tetutaro/yolo_various_framework; its folder renamed. */
export const tinyYolo15 = `Edge TPU Compiler version 15.0.340273435

Model compiled successfully in 577 ms.

Input model: /nets/yolo/yolov3-tiny_int8.tflite
Input size: 8.58MiB
Output model: /nets/yolo/yolov3-tiny_int8_edgetpu.tflite
Output size: 8.70MiB
On-chip memory used for caching model parameters: 3.00KiB
On-chip memory remaining for caching model parameters: 7.67MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 36
Operation log: /nets/yolo/yolov3-tiny_int8_edgetpu.log

${partly}
Number of operations that will run on Edge TPU: 2
Number of operations that will run on CPU: 34

Operator                       Count      Status

MAX_POOL_2D                    6          More than one subgraph is not supported
QUANTIZE                       2          Operation is otherwise supported, but not mapped due to some unspecified limitation
QUANTIZE                       1          Mapped to Edge TPU
QUANTIZE                       1          More than one subgraph is not supported
CONV_2D                        1          Mapped to Edge TPU
CONV_2D                        12         More than one subgraph is not supported
RESIZE_NEAREST_NEIGHBOR        1          Operation version not supported
LEAKY_RELU                     11         Operation not supported
CONCATENATION                  1          More than one subgraph is not supported
`;

/** A model with three operators on the CPU, version 16 without -s. Source: a public log. */
export const efficientDet16 = `Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 1524 ms.

Input model: efficientdet_coral_v2.tflite
Input size: 4.24MiB
Output model: efficientdet_coral_v2_edgetpu.tflite
Output size: 5.57MiB
On-chip memory used for caching model parameters: 4.21MiB
On-chip memory remaining for caching model parameters: 3.29MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 267
Operation log: efficientdet_coral_v2_edgetpu.log

${partly}
Number of operations that will run on Edge TPU: 264
Number of operations that will run on CPU: 3
See the operation log file for individual operation details.
Compilation child process completed within timeout period.
Compilation succeeded! 
`;

/** Success with nothing mapped, version 16. Source: google-ai-edge/litert-torch issue 150. */
export const zeroSubgraphs16 = `Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 2 ms.

Input model: conv_net.tflite
Input size: 23.23KiB
Output model: conv_net_edgetpu.tflite
Output size: 22.64KiB
On-chip memory used for caching model parameters: 0.00B
On-chip memory remaining for caching model parameters: 0.00B
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 0
Total number of operations: 9
Operation log: conv_net_edgetpu.log
`;

/** Two models compiled together, version 16. Source: google-coral/edgetpu issue 458. */
export const together16 = `Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Models compiled successfully in 524 ms.

Input model: temp_models/1.tflite
Input size: 1.91MiB
Output model: temp_models/co-compiled/2/1_edgetpu.tflite
Output size: 2.52MiB
On-chip memory used for caching model parameters: 2.27MiB
On-chip memory remaining for caching model parameters: 1.07MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 57
Operation log: temp_models/co-compiled/2/1_edgetpu.log
See the operation log file for individual operation details.

Input model: temp_models/2.tflite
Input size: 1.87MiB
Output model: temp_models/co-compiled/2/2_edgetpu.tflite
Output size: 2.06MiB
On-chip memory used for caching model parameters: 2.00MiB
On-chip memory remaining for caching model parameters: 1.07MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 6
`;

/** A search that fails and goes on, version 16. Source: google-coral/edgetpu issue 651. */
export const searchFailure16 = `Edge TPU Compiler version 16.0.384591198
Searching for valid delegate with step 1
Try to compile segment with 424 ops
Started a compilation timeout timer of 180 seconds.
ERROR: Restored original execution plan after delegate application failure.
Compilation failed: Compilation failed due to large activation tensors in model.
Compilation child process completed within timeout period.
Compilation failed! 
Try to compile segment with 423 ops
Intermediate tensors: tfl.dequantize,Sigmoid1
Started a compilation timeout timer of 180 seconds.
`;

/** A refusal, version 15. Source: google-coral/edgetpu issue 313. */
export const notQuantized15 = `Edge TPU Compiler version 15.0.340273435
Invalid model: mobilenet_v2_1.0_224_quant.tflite
Model not quantized
`;

/** A size that is not fixed, version 16. Source: google-coral/edgetpu issue 829. */
export const dynamicShape16 = `Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.
ERROR: Attempting to use a delegate that only supports static-sized tensors with a graph that has dynamic-sized tensors.
Compilation failed: Model failed in Tflite interpreter. Please ensure model can be loaded/run in Tflite interpreter.
Compilation child process completed within timeout period.
Compilation failed! 
`;

/** Rows of a MobileNetV2 with float input and output. Source: f0cal/google-coral issue 20; the head is of another log of its time. */
export const mobileNetV2Log = `Edge TPU Compiler version 2.0.267685300
Input: mobilenet_v2.tflite
Output: mobilenet_v2_edgetpu.tflite

Operator                       Count      Status

QUANTIZE                       1          Operation is otherwise supported, but not mapped due to some unspecified limitation
PAD                            5          Mapped to Edge TPU
ADD                            10         Mapped to Edge TPU
DEQUANTIZE                     1          Operation is working on an unsupported data type
CONV_2D                        35         Mapped to Edge TPU
DEPTHWISE_CONV_2D              17         Mapped to Edge TPU
MEAN                           1          Mapped to Edge TPU
FULLY_CONNECTED                1          Mapped to Edge TPU
SOFTMAX                        1          Mapped to Edge TPU
`;
