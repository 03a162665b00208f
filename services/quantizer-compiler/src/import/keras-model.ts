// A Keras model before it becomes a graph: a chain of layers with their settings, and a way to get at their weights. Both file
// formats, .h5 and layers-model, are read into this.
import { AtollError } from '@atoll/base/error';

/** A weight as Keras stores it. */
export interface KerasWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** One layer: its class, its name, and its settings as written by Keras. */
export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A sequential model. */
export interface KerasModel {
  readonly file: string;
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  /** A layer's weight by its short name ("kernel", "bias"), or null when the layer has none of that name. */
  readonly weight: (layer: string, weight: string) => KerasWeight | null;
}

/** Reads a topology: what Keras writes as model_config, and tfjs as modelTopology. */
export function parseTopology(topology: unknown, file: string): Pick<KerasModel, 'name' | 'layers'> {
  const outer = record(topology) ?? {};
  const model = record(outer['model_config']) ?? outer;
  const className = model['class_name'];
  if (className !== 'Sequential') {
    const found = typeof className === 'string' ? `it is of class ${className}` : 'it names no class';
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${found}; a Sequential model is needed`);
  }
  const config = model['config'];
  const list = Array.isArray(config) ? config : record(config)?.['layers'];
  if (!Array.isArray(list) || list.length === 0) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: its topology lists no layers`);
  }
  const name = record(config)?.['name'];
  return { name: typeof name === 'string' ? name : 'model', layers: list.map((one, index) => layer(one, index, file)) };
}

function layer(value: unknown, index: number, file: string): KerasLayer {
  const { class_name: className, config } = record(value) ?? {};
  const settings = record(config);
  if (typeof className !== 'string' || settings === undefined) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: layer ${index} has no class or no settings`);
  }
  const name = settings['name'];
  return { className, name: typeof name === 'string' ? name : `layer_${index}`, config: settings };
}

/** The value as an object, or undefined when it is something else. */
export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
