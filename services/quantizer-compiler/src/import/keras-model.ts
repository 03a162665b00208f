// A Keras model before it becomes a graph: layers with their settings, who calls whom, and a way to get at the weights. All
// formats (.h5 and .keras of Keras 2 and 3, layers-model) are read into this. A sequential model is a functional one whose
// layers call each other in turn.
import type { JsonObject } from './topology-json.js';

/** A weight as the file stores it; reading may be costly and is done once. */
export interface KerasWeight {
  readonly shape: readonly number[];
  readonly read: () => Float32Array;
}

/** One value of a model: what a layer gave in one of its calls. */
export interface TensorRef {
  readonly layer: string;
  readonly call: number;
  readonly output: number;
}

/** What a layer is called with: a value of the model, a list of arguments, or anything that JSON can say. */
export type Argument =
  | { readonly kind: 'tensor'; readonly ref: TensorRef }
  | { readonly kind: 'list'; readonly items: readonly Argument[] }
  | { readonly kind: 'constant'; readonly value: unknown };

/** One call of a layer. */
export interface LayerCall {
  readonly args: readonly Argument[];
  readonly kwargs: ReadonlyMap<string, Argument>;
}

/** One layer: its class, its name, its place in the model ("block/conv"), and its settings as written by Keras. */
export interface KerasLayer {
  readonly className: string;
  /** It is a function of the framework (keras.ops.mean, tf.nn.relu6) that stands among the layers. */
  readonly isFunction: boolean;
  readonly name: string;
  readonly path: string;
  readonly config: JsonObject;
  readonly calls: readonly LayerCall[];
  /** The number that references give to the first of the calls. */
  readonly firstCall: number;
  /** The layers inside, when the layer is itself a model. */
  readonly nested: KerasTopology | null;
}

/** An input of a model, and the layer that declares its shape. */
export interface KerasInput {
  readonly ref: TensorRef;
  readonly name: string;
  readonly shape: unknown;
  readonly declaredBy: KerasLayer;
}

/** The layers of a model in the order of the file, and which values go in and come out. */
export interface KerasTopology {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly KerasInput[];
  readonly outputs: readonly TensorRef[];
}

/** A model with its weights. */
export interface KerasModel {
  readonly file: string;
  /** The version of Keras that wrote it ("2.15.0", "tfjs-layers 4.22.0"); undefined where the file does not say. */
  readonly kerasVersion: string | undefined;
  readonly topology: KerasTopology;
  /** A layer's weight by the name that weight-names.ts gives it, or null when the file has none. */
  readonly weight: (layer: KerasLayer, name: string) => KerasWeight | null;
}
