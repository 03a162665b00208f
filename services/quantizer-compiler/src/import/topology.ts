// What Keras writes as model_config or config.json, and tfjs as modelTopology, as a topology. Three generations write it in
// three ways (Keras 2, Keras 3, tfjs); sequential models may leave out the input layer.
import { AtollError } from '@atoll/base/error';
import { parseCalls, tensorRef, tensorsOf } from './inbound-nodes.js';
import type { KerasInput, KerasLayer, KerasTopology, LayerCall, TensorRef } from './keras-model.js';
import { list, quoted, record } from './topology-json.js';
import type { JsonObject } from './topology-json.js';

/** Models inside models, and layers in all: far above what anybody builds, low enough to be walked in no time. */
const maxDepth = 16;
const maxLayers = 20_000;

interface Reading {
  readonly file: string;
  layers: number;
}

/** Reads a topology; INVALID_ARGUMENT names the layer that is not understood. */
export function parseTopology(document: unknown, file: string): KerasTopology {
  const outer = record(document) ?? {};
  const model = record(outer['model_config']) ?? outer;
  return parseModel(model, '', { file, layers: 0 }, 0);
}

function parseModel(model: JsonObject, path: string, reading: Reading, depth: number): KerasTopology {
  const where = path === '' ? '' : `model ${path} `;
  const refuse = (why: string): AtollError => invalid(reading.file, `${where}${why}`);
  const className = model['class_name'];
  if (typeof className !== 'string' || !isModelClass(className)) {
    const found = typeof className === 'string' ? `is of class ${quoted(className)}` : 'names no class';
    throw refuse(`${where === '' ? 'it ' : ''}${found}; a Sequential or Functional model is needed`);
  }
  if (depth > maxDepth) throw refuse(`lies in more than ${maxDepth} others`);
  const config = record(model['config']) ?? {};
  const written = list(model['config']) ?? list(config['layers']);
  if (written === undefined || written.length === 0)
    throw refuse(`${where === '' ? 'its topology ' : ''}lists no layers`);
  reading.layers += written.length;
  if (reading.layers > maxLayers) throw refuse(`${where === '' ? 'it ' : ''}has more than ${maxLayers} layers`);
  const names = new Set<string>();
  const heads = written.map((one, index) => {
    const head = headOf(one, index, path, reading.file);
    if (names.has(head.name)) throw refuse(`${where === '' ? 'it ' : ''}has two layers named ${quoted(head.name)}`);
    names.add(head.name);
    return head;
  });
  const layers = heads.map(({ json, ...head }): KerasLayer => {
    const nested = isModelClass(head.className) ? parseModel(json, head.path, reading, depth + 1) : null;
    const calls = parseCalls(json['inbound_nodes'], (name) => names.has(name));
    if (calls === null)
      throw invalid(reading.file, `layer ${head.path} (${head.className}) is called in an unknown way`);
    return { ...head, nested, calls, firstCall: 0 };
  });
  const name = typeof config['name'] === 'string' ? config['name'] : 'model';
  return className === 'Sequential'
    ? sequential(name, layers, config)
    : functional(name, withFirstCalls(layers, config, heads), config, outputsOf(config, heads), refuse);
}

function isModelClass(className: string): boolean {
  return className === 'Sequential' || className === 'Functional' || className === 'Model';
}

function headOf(value: unknown, index: number, parent: string, file: string) {
  const json = record(value) ?? {};
  const className = json['class_name'];
  const config = record(json['config']) ?? (Array.isArray(json['config']) ? {} : undefined);
  if (typeof className !== 'string' || config === undefined) {
    const where = parent === '' ? '' : ` of model ${parent}`;
    throw invalid(file, `layer ${index}${where} has no class or no settings`);
  }
  const given = json['name'] ?? config['name'];
  const name = typeof given === 'string' && given !== '' ? given : `layer_${index}`;
  return {
    className,
    isFunction: isFunction(className, config, json),
    name,
    path: parent === '' ? name : `${parent}/${name}`,
    config,
    json,
  };
}

/**
 * Keras 2 says so by the class, Keras 3 by the module, which its .h5 files leave out: there a function has none of the settings
 * that every layer has.
 */
function isFunction(className: string, config: JsonObject, json: JsonObject): boolean {
  if (className === 'TFOpLambda' || className === 'SlicingOpLambda') return true;
  if (typeof json['module'] === 'string') return json['module'].includes('.ops.');
  return (
    isNewForm(json) && config['trainable'] === undefined && config['dtype'] === undefined && className !== 'InputLayer'
  );
}

function sequential(name: string, layers: readonly KerasLayer[], config: JsonObject): KerasTopology {
  const [first] = layers;
  if (first === undefined) throw new RangeError('a sequential model has layers');
  const written = first.className === 'InputLayer';
  const declared = written ? declaredShape(first) : (declaredShape(first) ?? config['build_input_shape']);
  const start: TensorRef = { layer: written ? first.name : inputName, call: 0, output: 0 };
  let last = start;
  const chained = (written ? layers.slice(1) : layers).map((layer): KerasLayer => {
    const call: LayerCall = { args: [{ kind: 'tensor', ref: last }], kwargs: new Map() };
    last = { layer: layer.name, call: 0, output: 0 };
    return { ...layer, calls: [call] };
  });
  const input: KerasInput = { ref: start, name: 'input', shape: declared, declaredBy: first };
  return { name, layers: chained, inputs: [input], outputs: [last] };
}

/** No layer has this name: Keras gives none with a space at its start. */
const inputName = ' input';

/** The shape that a layer says its input has. */
function declaredShape(layer: KerasLayer): unknown {
  const { config, nested } = layer;
  return config['batch_input_shape'] ?? config['batch_shape'] ?? nested?.inputs[0]?.shape;
}

function functional(
  name: string,
  layers: readonly KerasLayer[],
  config: JsonObject,
  outputs: readonly TensorRef[],
  refuse: (why: string) => AtollError,
): KerasTopology {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const inputs = refsOf(config['input_layers']).map((ref): KerasInput => {
    const layer = byName.get(ref.layer);
    if (layer?.className !== 'InputLayer') throw refuse(`has the input ${quoted(ref.layer)}, which is no input layer`);
    return { ref, name: layer.name, shape: declaredShape(layer), declaredBy: layer };
  });
  if (inputs.length === 0 || outputs.length === 0) throw refuse('names no inputs or no outputs');
  return { name, layers: layers.filter(({ className }) => className !== 'InputLayer'), inputs, outputs };
}

/** Keras 3 counts the making of a nested functional model as its call 0 here and nowhere else. */
function outputsOf(config: JsonObject, heads: readonly Head[]): readonly TensorRef[] {
  const nested = heads.filter(({ className, json }) => isModelClass(className) && isNewForm(json));
  const counted = new Set(nested.filter(({ className }) => className !== 'Sequential').map(({ name }) => name));
  return refsOf(config['output_layers']).map((ref) =>
    counted.has(ref.layer) ? { ...ref, call: Math.max(0, ref.call - 1) } : ref,
  );
}

/** A layer before its calls and what is inside of it are read. */
type Head = ReturnType<typeof headOf>;

/** Calls are written as Keras 3 does. */
function isNewForm(json: JsonObject): boolean {
  return list(json['inbound_nodes'])?.some((node) => record(node) !== undefined) === true;
}

/** [layer, call, output], a list of such, or an object of such. */
function refsOf(value: unknown, depth = 0): readonly TensorRef[] {
  const ref = tensorRef(value);
  if (ref !== null) return [ref];
  const object = record(value) ?? {};
  const items =
    list(value) ??
    Object.keys(object)
      .toSorted()
      .map((key) => object[key]);
  return depth > 2 ? [] : items.flatMap((item) => refsOf(item, depth + 1));
}

/**
 * Keras 2 counts the making of a nested model as its call 0, so that references to it begin at 1, while the list of its calls
 * begins with the first real one. Other writers of the same form begin at 0.
 */
function withFirstCalls(
  layers: readonly KerasLayer[],
  config: JsonObject,
  heads: readonly Head[],
): readonly KerasLayer[] {
  const inOldForm = heads.map(({ json }) => list(json['inbound_nodes'])?.some((node) => Array.isArray(node)) === true);
  if (!layers.some(({ nested }, index) => nested !== null && inOldForm[index] === true)) return layers;
  const used = new Map<string, { zero: boolean; most: number }>();
  const note = ({ layer, call }: TensorRef): void => {
    const { zero, most } = used.get(layer) ?? { zero: false, most: 0 };
    used.set(layer, { zero: zero || call === 0, most: Math.max(most, call) });
  };
  for (const { calls } of layers) {
    for (const { args, kwargs } of calls) for (const one of [...args, ...kwargs.values()]) tensorsOf(one).forEach(note);
  }
  refsOf(config['output_layers']).forEach(note);
  return layers.map((layer, index) => {
    if (layer.nested === null || inOldForm[index] !== true) return layer;
    const { zero, most } = used.get(layer.name) ?? { zero: false, most: 0 };
    return { ...layer, firstCall: zero && most < layer.calls.length ? 0 : 1 };
  });
}

function invalid(file: string, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${why}`);
}
