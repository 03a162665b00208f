// A Keras model as a graph, batch size 1. Every model, the outer one and those inside, is walked from its outputs back to its
// inputs; each call of a layer is imported once everything that it takes is there.
import { AtollError } from '@atoll/base/error';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { tensorsOf } from './inbound-nodes.js';
import type {
  Argument,
  KerasInput,
  KerasLayer,
  KerasModel,
  KerasTopology,
  LayerCall,
  TensorRef,
} from './keras-model.js';
import { LayerOps } from './layer-ops.js';
import { LayerSettings } from './layer-settings.js';
import { advice, importers } from './layers/importers.js';
import { Operands } from './layers/operands.js';
import type { Operand } from './layers/operands.js';
import { operations } from './layers/operations.js';
import { list, quoted } from './topology-json.js';

/** Calls of layers, those inside of nested models counted each time that the model is called. */
const maxCalls = 20_000;

interface Importing {
  readonly model: KerasModel;
  readonly builder: GraphBuilder;
  readonly constants: Map<string, number>;
  calls: number;
}

/** The graph of a model. INVALID_ARGUMENT names the layer that cannot be imported, and why. */
export function graphOfKeras(model: KerasModel): Graph {
  const importing: Importing = { model, builder: new GraphBuilder(), constants: new Map(), calls: 0 };
  const { topology } = model;
  const inputs = topology.inputs.map((input) => importing.builder.activation(input.name, inputShape(model, input)));
  const outputs = importModel(importing, topology, inputs, '');
  if (outputs.some((output) => inputs.includes(output))) throw invalid(model.file, 'it gives an input back unchanged');
  return importing.builder.build(topology.name, inputs, outputs);
}

function inputShape(model: KerasModel, { shape, declaredBy }: KerasInput): readonly number[] {
  const layer = new LayerSettings(model, declaredBy);
  const written = list(shape);
  if (written === undefined) throw layer.fault('does not give the shape of the input');
  const sizes = written.slice(1);
  const fixed = sizes.every((size): size is number => typeof size === 'number' && Number.isInteger(size) && size > 0);
  if (!fixed) throw layer.fault(`has the input shape ${quoted(shape)}: every size but the batch must be fixed`);
  const usual = sizes.length > 0 && sizes.length <= 4 && sizes.reduce((product, size) => product * size, 1) <= 2 ** 28;
  if (!usual)
    throw layer.fault(`has the input shape ${quoted(shape)}: one to four sizes of 2^28 values in all are taken`);
  return [1, ...sizes];
}

/** Imports a model called with `inputs`, and gives its outputs. */
function importModel(
  importing: Importing,
  topology: KerasTopology,
  inputs: readonly number[],
  path: string,
): readonly number[] {
  const values = new Map<string, readonly number[]>();
  topology.inputs.forEach(({ ref }, index) => values.set(keyOf(ref), [inputs[index] ?? -1]));
  const valueOf = (ref: TensorRef): number => {
    const found = values.get(keyOf(ref))?.[ref.output];
    if (found !== undefined) return found;
    throw invalid(
      importing.model.file,
      `${owner(path)} takes output ${ref.output} of layer ${quoted(ref.layer)}, which has no such output`,
    );
  };
  for (const { ref, layer, call } of inOrder(topology, importing.model.file, path)) {
    if (++importing.calls > maxCalls)
      throw invalid(importing.model.file, `it calls layers more than ${maxCalls} times`);
    values.set(keyOf(ref), importCall(importing, layer, call, valueOf));
  }
  return topology.outputs.map(valueOf);
}

/** One call of a layer that has to be imported. */
interface PlannedCall {
  readonly ref: TensorRef;
  readonly layer: KerasLayer;
  readonly call: LayerCall;
}

/** The calls that the outputs need, each after those that it takes values from. */
function inOrder(topology: KerasTopology, file: string, path: string): readonly PlannedCall[] {
  const layers = new Map(topology.layers.map((layer) => [layer.name, layer]));
  const states = new Map<string, 'open' | 'done'>(topology.inputs.map(({ ref }) => [keyOf(ref), 'done']));
  const planned: PlannedCall[] = [];
  const open: { readonly one: PlannedCall; readonly needs: readonly TensorRef[]; next: number }[] = [];
  const enter = (ref: TensorRef, by: string): void => {
    const state = states.get(keyOf(ref));
    if (state === 'done') return;
    if (state === 'open')
      throw invalid(file, `layer ${layers.get(ref.layer)?.path ?? ref.layer} depends on its own output`);
    const layer = layers.get(ref.layer);
    const call = layer?.calls[ref.call - layer.firstCall];
    if (layer === undefined || call === undefined) {
      const missing = layer === undefined ? 'which does not exist' : `of which call ${ref.call} does not exist`;
      throw invalid(file, `${by} takes a value of layer ${quoted(ref.layer)}, ${missing}`);
    }
    states.set(keyOf(ref), 'open');
    open.push({
      one: { ref, layer, call },
      needs: [...call.args, ...call.kwargs.values()].flatMap(tensorsOf),
      next: 0,
    });
  };
  for (const output of topology.outputs) {
    enter(output, owner(path));
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const need = top.needs[top.next++];
      if (need !== undefined) {
        enter(need, `layer ${top.one.layer.path} (${top.one.layer.className})`);
        continue;
      }
      open.pop();
      states.set(keyOf(top.one.ref), 'done');
      planned.push(top.one);
    }
  }
  return planned;
}

function importCall(
  importing: Importing,
  layer: KerasLayer,
  call: LayerCall,
  valueOf: (ref: TensorRef) => number,
): readonly number[] {
  const { model, builder, constants } = importing;
  const settings = new LayerSettings(model, layer);
  const inputs = call.args.flatMap(tensorsOf).map(valueOf);
  if (layer.nested !== null) {
    const expected = layer.nested.inputs.length;
    if (inputs.length !== expected) throw settings.fault(`takes ${expected} values and is given ${inputs.length}`);
    return importModel(importing, layer.nested, inputs, layer.path);
  }
  if (layer.config['data_format'] === 'channels_first') throw settings.fault('puts channels first; last is needed');
  const ops = new LayerOps(builder, settings, constants);
  const before = builder.size;
  const output = layer.isFunction
    ? importFunction(settings, ops, call, valueOf)
    : importLayer(settings, ops, call, inputs);
  if (output >= before) builder.rename(output, layer.path);
  return [output];
}

function importLayer(settings: LayerSettings, ops: LayerOps, call: LayerCall, inputs: readonly number[]): number {
  const { className } = settings.layer;
  const importer = importers.get(className);
  if (importer === undefined) {
    const instead = advice.get(className);
    const supported = instead ?? `these layers are: ${[...importers.keys()].join(', ')}`;
    throw settings.fault(`is not supported; ${supported}`);
  }
  for (const [key, argument] of call.kwargs) {
    const idle = argument.kind === 'constant' && (argument.value === null || argument.value === false);
    if (!idle) throw settings.fault(`is called with ${key}, which is not supported`);
  }
  const [first, ...rest] = inputs;
  if (first === undefined) throw settings.fault('is given no value of the model');
  if (rest.length > 0 && !takesSeveral.has(className))
    throw settings.fault(`is given ${inputs.length} values; it takes one`);
  return importer(settings, [first, ...rest], ops);
}

const takesSeveral: ReadonlySet<string> = new Set([
  'Add',
  'Subtract',
  'Multiply',
  'Average',
  'Maximum',
  'Minimum',
  'Concatenate',
]);

function importFunction(
  settings: LayerSettings,
  ops: LayerOps,
  call: LayerCall,
  valueOf: (ref: TensorRef) => number,
): number {
  const { className, config } = settings.layer;
  const written = typeof config['function'] === 'string' ? config['function'] : className;
  // "math.truediv" and "TrueDivide" differ in how words are joined, not in what they mean.
  const name = (written.split('.').at(-1) ?? '').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  const importer = operations.get(name);
  if (importer === undefined) {
    throw settings.fault(
      `calls ${quoted(written)}, which is not supported; these functions are: ${[...operations.keys()].join(', ')}`,
    );
  }
  const operand = (argument: Argument): Operand => {
    if (argument.kind === 'tensor') return { kind: 'value', index: valueOf(argument.ref) };
    return argument.kind === 'list' ? { kind: 'list', items: argument.items.map(operand) } : argument;
  };
  const kwargs = new Map([...call.kwargs].map(([key, argument]) => [key, operand(argument)]));
  return importer(new Operands(settings, ops, call.args.map(operand), kwargs));
}

function owner(path: string): string {
  return path === '' ? 'the model' : `model ${path}`;
}

function keyOf({ layer, call }: TensorRef): string {
  return `${call} ${layer}`;
}

function invalid(file: string, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${why}`);
}
