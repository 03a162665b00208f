// What can be computed before the model runs is computed here: operations on constants alone, and SHAPE, which needs no elements.
// So the chains go by which exporters give sizes that a framework leaves open (SHAPE, STRIDED_SLICE, PACK, RESHAPE), and weights
// that are stored as float16 become float32. An operation stays when its result is an output of the graph, which a constant
// cannot be, or when a few elements would become a great many.
import { elementCount, valueAt } from '../graph/graph.js';
import type { ConstantData, ElementType, Graph, Op, Value } from '../graph/graph.js';
import { arithmetic, reduction } from './evaluate/elementwise.js';
import { halfToFloat } from './evaluate/half.js';
import { moved } from './evaluate/layout.js';
import type { Tensor } from './evaluate/tensor.js';
import { dropDead } from './drop-dead.js';

/** Results may have as many elements as their operands together, or this many. */
const mostElements = 1 << 20;

/** Computes whatever is constant. */
export function foldConstants(graph: Graph): Graph {
  const values = [...graph.values];
  const outputs = new Set(graph.outputs);
  const ops = graph.ops.filter((op) => {
    const inputs = op.inputs.map((index) => values[index] ?? valueAt(graph, index));
    const made = op.outputs.map((index) => valueAt(graph, index));
    const elements = op.outputs.some((index) => outputs.has(index)) ? null : computed(op, inputs, made);
    if (elements === null) return true;
    op.outputs.forEach((index, place) => {
      values[index] = { ...valueAt(graph, index), data: elements[place] ?? null };
    });
    return false;
  });
  return ops.length === graph.ops.length ? graph : dropDead({ ...graph, values, ops });
}

/** The elements that an operation gives, where its inputs are constant and its outputs have their shapes; else null. */
export function computed(op: Op, inputs: readonly Value[], outputs: readonly Value[]): readonly ConstantData[] | null {
  if (!mayFold(op, inputs, outputs)) return null;
  const elements = evaluate(op, inputs, outputs);
  return elements && outputs.map(({ type }, place) => elementsAs(type, elements[place] ?? []));
}

function mayFold(op: Op, inputs: readonly Value[], outputs: readonly Value[]): boolean {
  if (inputs.length === 0 || outputs.some(({ type }) => type !== 'float32' && type !== 'int32')) return false;
  if (op.kind !== 'SHAPE' && inputs.some(({ data }) => data === null)) return false;
  const count = (values: readonly Value[]): number => values.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return count(outputs) <= Math.max(mostElements, count(inputs));
}

function evaluate(op: Op, inputs: readonly Value[], outputs: readonly Value[]): readonly ArrayLike<number>[] | null {
  const [first] = inputs;
  const [output] = outputs;
  if (first === undefined || output === undefined) return null;
  if (op.kind === 'SHAPE') return [first.shape];
  const tensors = inputs.map(({ shape, data }): Tensor => ({ shape, data: data ?? [] }));
  const [x, y] = tensors;
  if (x === undefined) return null;
  if (op.kind === 'DEQUANTIZE') return first.type === 'float16' ? [Float32Array.from(x.data, halfToFloat)] : null;
  if (op.kind === 'CAST') return [output.type === 'int32' ? Float64Array.from(x.data, Math.trunc) : x.data];
  if (inputs.some(({ type }) => type !== 'float32' && type !== 'int32')) return null;
  if (op.kind === 'DIV' && output.type === 'int32') return null;
  const one = arithmetic(op, tensors, output.shape) ?? (y === undefined ? null : reduction(op.kind, x, y.data));
  if (one !== null) return one.length === elementCount(output.shape) ? [one] : null;
  return moved({ op, values: inputs, inputs: tensors, outputs: outputs.map(({ shape }) => shape) });
}

function elementsAs(type: ElementType, elements: ArrayLike<number>): ConstantData {
  if (type === 'float32') return elements instanceof Float32Array ? elements : Float32Array.from(elements);
  return elements instanceof Int32Array ? elements : Int32Array.from(elements);
}
