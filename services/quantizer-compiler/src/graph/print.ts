import { valueAt } from './graph.js';
import type { Graph, Value } from './graph.js';

/** A graph as text, one line an operation, values by name: what the tests of the passes compare. */
export function printGraph(graph: Graph): string {
  const name = (index: number): string => valueAt(graph, index).name;
  const operand = (index: number): string => {
    const value = valueAt(graph, index);
    return value.data === null ? value.name : describe(value);
  };
  const lines = [`graph ${graph.name} (${graph.inputs.map((index) => describe(valueAt(graph, index))).join(', ')})`];
  for (const { kind, inputs, outputs, options } of graph.ops) {
    const { type: _type, ...fields } = options ?? { type: '' };
    const words = Object.entries(fields)
      .filter(([, field]) => field !== 0 && field !== false)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const braces = words.length === 0 ? '' : ` {${words.map(([key, field]) => `${key}=${String(field)}`).join(' ')}}`;
    const made = outputs.map((index) => describe(valueAt(graph, index))).join(', ');
    lines.push(`  ${made} = ${kind}(${inputs.map(operand).join(', ')})${braces}`);
  }
  lines.push(`  return ${graph.outputs.map(name).join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function describe({ name, type, shape, quantization }: Value): string {
  const base = `${name}:${type}[${shape.join(',')}]`;
  if (quantization === null) return base;
  const { scale, zeroPoint } = quantization;
  if (scale.length > 1) return `${base}*${scale.length} scales`;
  return `${base}*${Number(scale[0]).toPrecision(6)}${zeroPoint[0] === 0 ? '' : `@${zeroPoint[0]}`}`;
}
