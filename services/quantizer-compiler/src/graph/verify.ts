import { AtollError, isAtollError } from '@atoll/base/error';
import { elementCount, valueAt } from './graph.js';
import type { Graph, Op, Value } from './graph.js';
import { opTable } from './op-table.js';
import type { OpRow } from './op-table.js';
import { outputShapes } from './shapes.js';

/** The largest published image models have 2,000 operations; what makes sense of them may look at each beside every other. */
const maxOperations = 5_000;
const maxValues = 50_000;
const maxBorders = 256;
/** Elements of one value: a float image of 6,000 x 6,000 pixels and a weight matrix of half a gigabyte are within it. */
const maxElements = 2 ** 27;

/**
 * Checks what every pass relies on: indices exist, values are made before they are used and only once, constants have as many
 * elements as their shape says, operations are known and their output shapes follow from their inputs, scales are usable.
 * A fault names the stage. After import it is the file's (INVALID_ARGUMENT), later this compiler's own (INTERNAL).
 */
export function verify(graph: Graph, stage: string): Graph {
  const fault = (why: string): never => {
    throw new AtollError(stage === 'import' ? 'INVALID_ARGUMENT' : 'INTERNAL', `cannot go on after ${stage}: ${why}`);
  };
  if (graph.inputs.length === 0 || graph.outputs.length === 0) fault('it has no input or no output');
  if (stage === 'import') {
    const why = excess(graph);
    if (why !== null) fault(why);
  }
  const names = new Set<string>();
  graph.values.forEach(({ name, shape, data, quantization }) => {
    if (names.has(name)) fault(`two values are named ${name}`);
    names.add(name);
    if (!shape.every((size) => Number.isInteger(size) && size > 0)) fault(`${name} has shape [${shape.join(', ')}]`);
    if (data !== null && data.length !== elementCount(shape))
      fault(`${name} has ${data.length} elements, not ${elementCount(shape)}`);
    const scales = quantization?.scale ?? [];
    if (!scales.every((scale) => scale > 0 && Number.isFinite(scale))) {
      // Scales follow from numbers of the model, whatever the stage.
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot quantize ${name}: its values are beyond what a float32 scale can hold`,
      );
    }
    if (!scales.every((scale) => Math.fround(scale) === scale))
      fault(`${name} has a scale that is not a positive float32`);
  });
  const made = new Set(graph.inputs);
  for (const op of graph.ops) {
    for (const index of op.inputs) {
      const value = graph.values[index] ?? fault(`${op.kind} reads value ${index}, which does not exist`);
      if (value.data === null && !made.has(index)) fault(`${op.kind} reads ${value.name} before it is made`);
    }
    for (const index of op.outputs) {
      const value = graph.values[index] ?? fault(`${op.kind} makes value ${index}, which does not exist`);
      if (value.data !== null || made.has(index)) fault(`${op.kind} makes ${value.name}, which exists already`);
      made.add(index);
    }
    const why = opFault(graph, op);
    if (why !== null) fault(why);
  }
  for (const index of graph.outputs) {
    const { name, data } = graph.values[index] ?? fault(`output ${index} does not exist`);
    if (!made.has(index)) fault(`output ${name} is ${data === null ? 'never made' : 'a constant'}`);
  }
  return graph;
}

/** What a file may hold but no computation should meet: more than anything in use has, and numbers that are none. */
function excess({ ops, values, inputs, outputs }: Graph): string | null {
  const borders = inputs.length + outputs.length;
  if (borders > maxBorders) return `it has ${borders} inputs and outputs, ${maxBorders} are the most`;
  if (ops.length > maxOperations) return `it has ${ops.length} operations, ${maxOperations} are the most`;
  if (values.length > maxValues) return `it has ${values.length} values, ${maxValues} are the most`;
  for (const { name, shape, data } of values) {
    if (elementCount(shape) > maxElements) return `${name} has shape [${shape.join(', ')}]: that is too large`;
    const wrong = data instanceof Float32Array ? data.findIndex((real) => !Number.isFinite(real)) : -1;
    if (wrong !== -1) return `${name} holds ${data?.[wrong]} at element ${wrong}: its weights are damaged`;
  }
  return null;
}

function opFault(graph: Graph, op: Op): string | null {
  const row = opTable[op.kind];
  if (row === undefined) return `${op.kind} is not an operation of this compiler`;
  const [least, most] = row.arity;
  if (op.inputs.length < least || op.inputs.length > most) return `${op.kind} has ${op.inputs.length} inputs`;
  if (op.outputs.length < 1 || op.outputs.length > row.outputs) return `${op.kind} has ${op.outputs.length} outputs`;
  const inputs = op.inputs.map((index) => valueAt(graph, index));
  const wrong = row.integers
    .map((place) => inputs[place])
    .find((value) => value !== undefined && value.type !== 'int32');
  if (wrong !== undefined) return `${op.kind} reads ${wrong.name} as int32, but it is ${wrong.type}`;
  const mixed = mixedTypes(
    op,
    row,
    inputs,
    op.outputs.map((index) => valueAt(graph, index)),
  );
  if (mixed !== null) return mixed;
  const bias = row.weights === undefined ? undefined : inputs[row.weights.bias];
  const channels = valueAt(graph, op.outputs[0] ?? -1).shape.at(-1);
  if (bias !== undefined && elementCount(bias.shape) !== channels) {
    return `${op.kind} has a bias ${bias.name} of [${bias.shape.join(', ')}] for ${channels} channels`;
  }
  const shapes = shapesOrFault(op, inputs);
  if (shapes === null || typeof shapes === 'string') return shapes;
  if (shapes.length !== op.outputs.length) return `${op.kind} makes ${shapes.length} outputs, not ${op.outputs.length}`;
  for (const [at, expected] of shapes.entries()) {
    const { name, shape } = valueAt(graph, op.outputs[at] ?? -1);
    if (expected.join() === shape.join()) continue;
    return `${op.kind} makes [${expected.join(', ')}], but ${name} is [${shape.join(', ')}]`;
  }
  return null;
}

/** Operations that change the type of what they read. */
const changesType: ReadonlySet<string> = new Set([
  'ARG_MAX',
  'ARG_MIN',
  'CAST',
  'DEQUANTIZE',
  'FILL',
  'QUANTIZE',
  'RANGE',
  'SHAPE',
]);

/** Values that one operation reads and makes have one type; operands, weights and biases have their own. */
function mixedTypes(op: Op, row: OpRow, inputs: readonly Value[], outputs: readonly Value[]): string | null {
  const type = inputs[row.data]?.type;
  if (changesType.has(op.kind)) return null;
  const own = [...row.integers, row.weights?.weights, row.weights?.bias];
  const others = [...inputs.filter((_, place) => !own.includes(place)), ...outputs];
  const other = others.find((value) => value.type !== type);
  return other === undefined ? null : `${op.kind} of ${type} uses ${other.name}, which is ${other.type}`;
}

/** The shapes that follow, null where they do not yet, or why there can be none. */
function shapesOrFault(op: Op, inputs: readonly Value[]): ReturnType<typeof outputShapes> | string {
  try {
    return outputShapes(op, inputs);
  } catch (error) {
    if (isAtollError(error, 'INVALID_ARGUMENT')) return error.message;
    throw error;
  }
}
