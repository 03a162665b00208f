/**
 * A network as plain data, in the order its layers run. Everything else about a model follows from it: shapes and parameter
 * counts (shapes.ts), first weights (initial-weights.ts), the forward pass (engine/), the Keras description (export/).
 * Layer and parameter names are those that Keras would give.
 */

/** A convolution: square kernel, stride 1, no padding, bias, relu. */
export interface ConvolutionLayer {
  readonly kind: 'convolution';
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: number;
}

/** A maximum over square windows that do not overlap, no padding. */
export interface MaxPoolLayer {
  readonly kind: 'max-pool';
  readonly name: string;
  readonly size: number;
}

/** While training, each value is zeroed with probability `rate` and the rest scaled by 1 / (1 - rate). */
export interface DropoutLayer {
  readonly kind: 'dropout';
  readonly name: string;
  readonly rate: number;
}

/** Height x width x channels become one row. */
export interface FlattenLayer {
  readonly kind: 'flatten';
  readonly name: string;
}

/** A fully connected layer with bias. */
export interface DenseLayer {
  readonly kind: 'dense';
  readonly name: string;
  readonly units: number;
  readonly activation: 'relu' | 'softmax';
}

/** One layer of a network. */
export type Layer = ConvolutionLayer | MaxPoolLayer | DropoutLayer | FlattenLayer | DenseLayer;

/** A classifier of square RGB photos whose values lie in 0..1. The last layer is a dense softmax over the classes. */
export interface Network {
  readonly name: string;
  readonly imageSize: number;
  readonly layers: readonly Layer[];
}
