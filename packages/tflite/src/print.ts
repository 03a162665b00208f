// A model as text, one line an operator: what tests compare and what a person reads.
import { printable } from '@atoll/base/printable';
import { operatorName } from './model.js';
import type { Operator, Subgraph, Tensor, TfLiteModel } from './model.js';

/** The whole model as readable text; constants by size, not by content. */
export function printModel(model: TfLiteModel): string {
  const lines = [`model ${JSON.stringify(model.description)}`];
  model.subgraphs.forEach((subgraph, index) => {
    for (const line of printSubgraph(model, subgraph, index)) lines.push(line);
  });
  for (const { key, subgraph, inputs, outputs } of model.signatures) {
    const names = (all: typeof inputs): string => all.map(({ name, tensor }) => `${name}=%${tensor}`).join(', ');
    lines.push(`signature ${key}: subgraph ${subgraph} (${names(inputs)}) -> (${names(outputs)})`);
  }
  for (const { name, buffer } of model.metadata) {
    lines.push(`metadata ${name}: ${model.buffers[buffer]?.length ?? 0} bytes`);
  }
  return `${lines.map(printable).join('\n')}\n`;
}

function printSubgraph(model: TfLiteModel, subgraph: Subgraph, index: number): string[] {
  const named = subgraph.name === '' ? '' : ` ${subgraph.name}`;
  const lines = [`subgraph ${index}${named} (${list(subgraph.inputs)}) -> (${list(subgraph.outputs)})`];
  subgraph.tensors.forEach((tensor, at) => lines.push(`  %${at} ${printTensor(model, tensor)}`));
  subgraph.operators.forEach((operator) => lines.push(`  ${printOperator(model, operator)}`));
  return lines;
}

function printTensor(model: TfLiteModel, tensor: Tensor): string {
  const sizeBytes = model.buffers[tensor.buffer]?.length ?? 0;
  const data = sizeBytes === 0 ? '' : ` = ${sizeBytes} bytes`;
  const variable = tensor.isVariable ? ' variable' : '';
  return `${tensor.type}[${tensor.shape.join(',')}]${printQuantization(tensor)}${variable} ${tensor.name}${data}`;
}

function printQuantization({ quantization }: Tensor): string {
  if (quantization === null || quantization.scale.length === 0) return '';
  const { scale, zeroPoint, dimension } = quantization;
  if (scale.length === 1) return ` scale ${scale[0]} zero ${zeroPoint[0] ?? 0}`;
  const least = scale.reduce((a, b) => Math.min(a, b));
  const most = scale.reduce((a, b) => Math.max(a, b));
  return ` scale ${least}..${most} over ${scale.length} along ${dimension}`;
}

function printOperator(model: TfLiteModel, operator: Operator): string {
  const version = model.operatorCodes[operator.opcode]?.version ?? 0;
  const { type: _type, ...fields } = operator.options ?? { type: '' };
  const options = Object.entries(fields).map(([name, value]) => `${name}=${printOption(value)}`);
  const custom =
    operator.customOptions.length === 0 ? [] : [`${operator.customOptions.length} bytes of custom options`];
  const all = [...options, ...custom];
  const braces = all.length === 0 ? '' : ` {${all.join(' ')}}`;
  return `${list(operator.outputs)} = ${operatorName(model, operator)} v${version} (${list(operator.inputs)})${braces}`;
}

function printOption(value: unknown): string {
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value);
}

function list(indices: readonly number[]): string {
  return indices.map((index) => (index === -1 ? 'none' : `%${index}`)).join(', ');
}
