import { randomStream } from '../augment/random.js';
import type { Network } from './network.js';
import { elementCount, type ParameterShape, parameterShapes } from './shapes.js';

/** A trainable tensor with its values, row-major. */
export interface Weight extends ParameterShape {
  readonly values: Float32Array;
}

/** First weights: kernels uniform after Glorot and Bengio (2010), limit = sqrt(6 / (fan in + fan out)); biases zero. */
export function initialWeights(network: Network, seed: number): readonly Weight[] {
  return parameterShapes(network).map((parameter) => {
    const values = new Float32Array(elementCount(parameter.shape));
    if (parameter.name === 'kernel') {
      const random = randomStream(seed, 'weights', parameter.layer);
      const limit = glorotLimit(parameter.shape);
      for (let i = 0; i < values.length; i++) values[i] = random.between(-limit, limit);
    }
    return { ...parameter, values };
  });
}

function glorotLimit(shape: readonly number[]): number {
  const [fanIn = 1, fanOut = 1] = shape.slice(-2);
  const window = elementCount(shape.slice(0, -2));
  return Math.sqrt(6 / (window * (fanIn + fanOut)));
}
