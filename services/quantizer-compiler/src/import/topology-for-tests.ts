import type { StoredWeight } from './keras-files-for-tests.js';

/** A topology, or a part of one. */
export type Json = Readonly<Record<string, unknown>>;

/** A value: the output of a call of a layer, numbered from 0. */
export type Ref = readonly [layer: string, call?: number, output?: number];

/** References as Keras 2 writes them. */
export const old = (...refs: readonly Ref[]): unknown =>
  refs.map(([name, call = 0, output = 0]) => [name, call, output, {}]);

/** A reference as Keras 3 writes it. */
export const tensor = ([name, call = 0, output = 0]: Ref): Json => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 2], dtype: 'float32', keras_history: [name, call, output] },
});

/** A call as Keras 3 writes it. */
export const call = (...args: readonly unknown[]): Json => ({ args, kwargs: {} });

/** A layer with its calls. */
export const layer = (
  className: string,
  name: string,
  nodes: readonly unknown[],
  config: Json = {},
  more: Json = {},
): Json => ({
  class_name: className,
  name,
  config: { name, ...config },
  inbound_nodes: nodes,
  ...more,
});

/** An input layer. */
export const input = (name: string, shape: readonly unknown[] = [null, 2]): Json =>
  layer('InputLayer', name, [], { batch_input_shape: shape });

/** A functional model. */
export const functional = (
  name: string,
  layers: readonly Json[],
  inputs: readonly Ref[],
  outputs: readonly Ref[],
): Json => {
  const refs = (all: readonly Ref[]): unknown => all.map(([one, node = 0, output = 0]) => [one, node, output]);
  return {
    class_name: 'Functional',
    config: { name, layers, input_layers: refs(inputs), output_layers: refs(outputs) },
  };
};

/** A ReLU layer. */
export const relu = (name: string, ...from: readonly Ref[]): Json =>
  layer(
    'ReLU',
    name,
    from.map((one) => old(one)),
  );

/** A nested model as a layer of another. */
export const inside = (model: Json, name: string, nodes: readonly unknown[]): Json => ({
  ...model,
  name,
  config: { ...(model['config'] as Json), name },
  inbound_nodes: nodes,
});

/** A Dense layer from two values to two. */
export const dense = (name: string, from: Ref): Json => layer('Dense', name, [old(from)], { units: 2 });

/** Weights of such Dense layers. */
export const weightsOf = (...names: readonly string[]): readonly StoredWeight[] =>
  names.flatMap((name) => [
    { layer: name, name: 'kernel', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    { layer: name, name: 'bias', shape: [2], data: Float32Array.of(0, 0) },
  ]);
