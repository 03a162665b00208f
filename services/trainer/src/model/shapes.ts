import type { Layer, Network } from './network.js';

/** A trainable tensor: its layer, its name within the layer, and its shape (convolution HWIO, dense in x out). */
export interface ParameterShape {
  readonly layer: string;
  readonly name: 'kernel' | 'bias';
  readonly shape: readonly number[];
}

/** The shape that each layer gives, without the batch. */
export function outputShapes(network: Network): readonly (readonly number[])[] {
  const shapes: (readonly number[])[] = [];
  let shape: readonly number[] = [network.imageSize, network.imageSize, 3];
  for (const layer of network.layers) {
    shape = outputShape(layer, shape);
    shapes.push(shape);
  }
  return shapes;
}

/** All trainable tensors in the order in which Keras lists them. */
export function parameterShapes(network: Network): readonly ParameterShape[] {
  const outputs = outputShapes(network);
  return network.layers.flatMap((layer, i): readonly ParameterShape[] => {
    const input = i === 0 ? [network.imageSize, network.imageSize, 3] : (outputs[i - 1] ?? []);
    const depth = input.at(-1) ?? 0;
    if (layer.kind === 'convolution') {
      return pair(layer.name, [layer.kernelSize, layer.kernelSize, depth, layer.filters]);
    }
    return layer.kind === 'dense' ? pair(layer.name, [depth, layer.units]) : [];
  });
}

/** How many trainable numbers a network has. */
export function parameterCount(network: Network): number {
  return parameterShapes(network).reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** The number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function outputShape(layer: Layer, input: readonly number[]): readonly number[] {
  const [height = 0, width = 0, depth = 0] = input;
  switch (layer.kind) {
    case 'convolution':
      return [height - layer.kernelSize + 1, width - layer.kernelSize + 1, layer.filters];
    case 'max-pool':
      return [Math.floor(height / layer.size), Math.floor(width / layer.size), depth];
    case 'dropout':
      return input;
    case 'flatten':
      return [elementCount(input)];
    case 'dense':
      return [layer.units];
  }
}

function pair(layer: string, kernel: readonly number[]): readonly ParameterShape[] {
  return [
    { layer, name: 'kernel', shape: kernel },
    { layer, name: 'bias', shape: [kernel.at(-1) ?? 0] },
  ];
}
