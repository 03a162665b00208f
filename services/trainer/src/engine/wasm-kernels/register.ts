/**
 * Completes tfjs-backend-wasm 4.22 for training: it has no Conv2DBackpropFilter, and its Conv2DBackpropInput and MaxPoolGrad
 * are several times slower than what its own convolution and a plain loop over its memory reach.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.js';
import { conv2dBackpropInput } from './conv2d-backprop-input.js';
import { maxPoolGrad } from './max-pool-grad.js';

type KernelFunction = (call: {
  inputs: tf.NamedTensorInfoMap;
  attrs?: unknown;
  backend: unknown;
}) => tf.TensorInfo | tf.TensorInfo[];

/** Puts our kernels in place; safe to call twice. */
export function registerWasmKernels(): void {
  if (tf.getKernel('Conv2DBackpropFilter', 'wasm') !== undefined) return;
  const stockInput = tf.getKernel('Conv2DBackpropInput', 'wasm').kernelFunc as KernelFunction;
  replace('Conv2DBackpropFilter', ({ inputs, attrs }) =>
    tf.tidy(() =>
      conv2dBackpropFilter(
        inputs['x'] as tf.Tensor4D,
        inputs['dy'] as tf.Tensor4D,
        attrs as tf.Conv2DBackpropFilterAttrs,
      ),
    ),
  );
  replace('Conv2DBackpropInput', (call) => {
    const attributes = call.attrs as tf.Conv2DBackpropInputAttrs;
    if (!hasStrideOne(attributes.strides)) return stockInput(call);
    return tf.tidy(() =>
      conv2dBackpropInput(call.inputs['dy'] as tf.Tensor4D, call.inputs['filter'] as tf.Tensor4D, attributes),
    );
  });
  replace('MaxPoolGrad', ({ inputs, attrs, backend }) =>
    maxPoolGradOnHeap(inputs, attrs as tf.MaxPoolGradAttrs, backend as BackendWasm),
  );
}

function maxPoolGradOnHeap(
  inputs: tf.NamedTensorInfoMap,
  attributes: tf.MaxPoolGradAttrs,
  backend: BackendWasm,
): tf.TensorInfo {
  const { dy, input } = inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const shape = input.shape as [number, number, number, number];
  const window = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  // Made first: it may grow the memory, which would leave earlier views without any.
  const dx = backend.makeOutput(shape, 'float32');
  const into = backend.typedArrayFromHeap(dx) as Float32Array;
  into.fill(0);
  maxPoolGrad(
    backend.typedArrayFromHeap(input) as Float32Array,
    backend.typedArrayFromHeap(dy) as Float32Array,
    into,
    window,
  );
  return dx;
}

function hasStrideOne(strides: number | [number, number]): boolean {
  return [strides].flat().every((stride) => stride === 1);
}

/** Keeps the stock kernel's set-up, for its function may still be called. */
function replace(kernelName: string, kernelFunc: KernelFunction): void {
  const backendName = 'wasm';
  const stock: tf.KernelConfig | undefined = tf.getKernel(kernelName, backendName);
  if (stock !== undefined) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...stock, kernelName, backendName, kernelFunc: kernelFunc as tf.KernelFunc });
}
