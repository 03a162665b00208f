import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of a convolution of stride 1 with respect to its input, written as a convolution of dy with the filter turned by
 * 180 degrees and its channels exchanged:
 *   dx[n, h, w, ic] = sum over kh, kw, oc of dy[n, h - kh + pad, w - kw + pad, oc] * W[kh, kw, ic, oc]
 * The padding is what makes the result as large as the input. NHWC, dilation 1.
 */
export function conv2dBackpropInput(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  attributes: tf.Conv2DBackpropInputAttrs,
): tf.Tensor4D {
  const { pad, dimRoundingMode, inputShape } = attributes;
  const { padInfo } = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, 1, 1, pad, dimRoundingMode);
  const [kernelHeight, kernelWidth] = filter.shape;
  const [, height, width] = inputShape;
  const top = kernelHeight - 1 - padInfo.top;
  const left = kernelWidth - 1 - padInfo.left;
  const bottom = height - dy.shape[1] - top + kernelHeight - 1;
  const right = width - dy.shape[2] - left + kernelWidth - 1;
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  const explicit: [[number, number], [number, number], [number, number], [number, number]] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return tf.conv2d(dy, turned, 1, explicit, 'NHWC', 1);
}
