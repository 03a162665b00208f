import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of a convolution with respect to its filter, written as one more convolution, so that XNNPACK does the work:
 *   dW[kh, kw, ic, oc] = sum over n, oh, ow of x[n, oh * s + kh - pad, ow * s + kw - pad, ic] * dy[n, oh, ow, oc]
 * With the batch as channels and the input channels as batch, x becomes [ic, h, w, n] and dy a filter [oh, ow, n, oc] that is
 * dilated by the forward stride s; the result [ic, kh, kw, oc] is turned round. NHWC, dilation 1.
 */
export function conv2dBackpropFilter(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  attributes: tf.Conv2DBackpropFilterAttrs,
): tf.Tensor4D {
  const { strides, pad, dimRoundingMode, filterShape } = attributes;
  const { padInfo, strideHeight, strideWidth } = tf.backend_util.computeConv2DInfo(
    x.shape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const [kernelHeight, kernelWidth, inputs, outputs] = filterShape;
  const byChannel = tf.transpose(x, [3, 1, 2, 0]);
  const asFilter = tf.transpose(dy, [1, 2, 0, 3]);
  const explicit: [[number, number], [number, number], [number, number], [number, number]] = [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ];
  const whole = tf.conv2d(byChannel, asFilter, 1, explicit, 'NHWC', [strideHeight, strideWidth]);
  // Rows that the forward stride never reached give taps beyond the kernel.
  const taps = tf.slice(whole, [0, 0, 0, 0], [inputs, kernelHeight, kernelWidth, outputs]);
  return tf.transpose(taps, [1, 2, 0, 3]);
}
