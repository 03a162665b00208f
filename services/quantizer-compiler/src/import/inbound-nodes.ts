// How the two generations of Keras write who calls a layer with what.
//   Keras 2: a call is [[layer, call, output, kwargs], ...], one list for one value, a deeper one for a list argument; a constant
//            is ["_CONSTANT_VALUE", -1, value, kwargs]; tensors inside kwargs are [layer, call, output].
//   Keras 3: a call is {args, kwargs}; a value is {class_name: "__keras_tensor__", config: {keras_history: [layer, call, output]}}.
import type { Argument, LayerCall, TensorRef } from './keras-model.js';
import { list, record } from './topology-json.js';
import type { JsonObject } from './topology-json.js';

/** Lists of arguments may contain lists; deeper than this nobody calls a layer. */
const maxDepth = 16;

/** Reads the calls of a layer; null when they are not written in either way. */
export function parseCalls(nodes: unknown, isLayer: (name: string) => boolean): readonly LayerCall[] | null {
  const calls = (list(nodes) ?? []).map((node) =>
    Array.isArray(node) ? oldCall(node, isLayer) : newCall(record(node)),
  );
  return calls.every((call) => call !== null) ? calls : null;
}

function oldCall(node: readonly unknown[], isLayer: (name: string) => boolean): LayerCall | null {
  const kwargs = new Map<string, Argument>();
  const argument = oldArgument(node, kwargs, isLayer, 0);
  if (argument === null) return null;
  // A list of one value is how a plain argument is written.
  const single = argument.kind === 'list' && argument.items.length === 1 ? argument.items[0] : undefined;
  return { args: [single ?? argument], kwargs };
}

function oldArgument(
  value: unknown,
  kwargs: Map<string, Argument>,
  isLayer: (name: string) => boolean,
  depth: number,
): Argument | null {
  const items = list(value);
  if (items === undefined || depth > maxDepth) return null;
  const [first, call, output, settings] = items;
  if (typeof first === 'string') {
    for (const [key, one] of Object.entries(record(settings) ?? {})) {
      if (!kwargs.has(key)) kwargs.set(key, oldKwarg(one, isLayer, 0));
    }
    if (first === '_CONSTANT_VALUE') return { kind: 'constant', value: output };
    const ref = tensorRef([first, call, output]);
    return ref === null ? null : { kind: 'tensor', ref };
  }
  const inner = items.map((item) => oldArgument(item, kwargs, isLayer, depth + 1));
  return inner.every((item) => item !== null) ? { kind: 'list', items: inner } : null;
}

/** A list that names a layer is a value of the model; any other list is one of arguments. */
function oldKwarg(value: unknown, isLayer: (name: string) => boolean, depth: number): Argument {
  const items = list(value);
  if (items === undefined || depth > maxDepth) return { kind: 'constant', value };
  const [first, , constant] = items;
  if (first === '_CONSTANT_VALUE') return { kind: 'constant', value: constant };
  const ref = typeof first === 'string' && isLayer(first) ? tensorRef(items.slice(0, 3)) : null;
  if (ref !== null) return { kind: 'tensor', ref };
  return listOf(items.map((item) => oldKwarg(item, isLayer, depth + 1)));
}

function newCall(node: JsonObject | undefined): LayerCall | null {
  const args = list(node?.['args']);
  if (args === undefined) return null;
  // Whether it trains is decided by who runs the model, whatever the call says.
  const kwargs = Object.entries(record(node?.['kwargs']) ?? {}).filter(([key]) => key !== 'training');
  return {
    args: args.map((one) => newArgument(one, 0)),
    kwargs: new Map(kwargs.map(([key, one]) => [key, newArgument(one, 0)])),
  };
}

function newArgument(value: unknown, depth: number): Argument {
  const object = record(value);
  const items = list(value) ?? (object?.['class_name'] === '__tuple__' ? list(object['items']) : undefined);
  const config = record(object?.['config']);
  if (object?.['class_name'] === '__keras_tensor__') {
    const ref = tensorRef(config?.['keras_history']);
    if (ref !== null) return { kind: 'tensor', ref };
  }
  if (object !== undefined && ['__tensor__', '__numpy__'].includes(String(object['class_name']))) {
    return { kind: 'constant', value: config?.['value'] };
  }
  if (depth > maxDepth) return { kind: 'constant', value };
  if (items === undefined) return object === undefined ? { kind: 'constant', value } : byKey(object, value, depth);
  return listOf(items.map((item) => newArgument(item, depth + 1)));
}

/** A list of constants is itself a constant. */
function listOf(items: readonly Argument[]): Argument {
  return items.every((item) => item.kind === 'constant')
    ? { kind: 'constant', value: items.map((item) => item.value) }
    : { kind: 'list', items };
}

/** An object of arguments counts as the list of them in the order of their keys, as Keras takes it. */
function byKey(object: JsonObject, value: unknown, depth: number): Argument {
  const keys = Object.keys(object).toSorted();
  const items = keys.map((key) => newArgument(object[key], depth + 1));
  return items.every((item) => item.kind === 'constant') ? { kind: 'constant', value } : { kind: 'list', items };
}

/** [layer, call, output], or null when it is not that. */
export function tensorRef(value: unknown): TensorRef | null {
  const [layer, call, output] = list(value) ?? [];
  if (typeof layer !== 'string' || !isIndex(call) || !isIndex(output)) return null;
  return { layer, call, output };
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

/** All values of the model in an argument, in order. */
export function tensorsOf(argument: Argument): readonly TensorRef[] {
  if (argument.kind === 'tensor') return [argument.ref];
  return argument.kind === 'list' ? argument.items.flatMap(tensorsOf) : [];
}
