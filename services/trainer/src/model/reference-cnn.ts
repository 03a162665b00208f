import { AtollError } from '@atoll/base/error';
import type { Network } from './network.js';

/** Smallest photo, in pixels, of which three convolutions and pools leave anything. */
const minImageSize = 22;

/** The reference network: three convolutions of 16, 64 and 128 filters, each pooled, then 128 units, then the classes. */
export function referenceCnn(imageSize: number, classes: number): Network {
  if (imageSize < minImageSize) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot build the reference network for photos of ${imageSize} pixels: it needs at least ${minImageSize}`,
    );
  }
  return {
    name: 'reference',
    imageSize,
    layers: [
      { kind: 'convolution', name: 'conv2d', filters: 16, kernelSize: 3 },
      { kind: 'max-pool', name: 'max_pooling2d', size: 2 },
      { kind: 'convolution', name: 'conv2d_1', filters: 64, kernelSize: 3 },
      { kind: 'max-pool', name: 'max_pooling2d_1', size: 2 },
      { kind: 'dropout', name: 'dropout', rate: 0.2 },
      { kind: 'convolution', name: 'conv2d_2', filters: 128, kernelSize: 3 },
      { kind: 'max-pool', name: 'max_pooling2d_2', size: 2 },
      { kind: 'flatten', name: 'flatten' },
      { kind: 'dense', name: 'dense', units: 128, activation: 'relu' },
      { kind: 'dropout', name: 'dropout_1', rate: 0.2 },
      { kind: 'dense', name: 'dense_1', units: classes, activation: 'softmax' },
    ],
  };
}
