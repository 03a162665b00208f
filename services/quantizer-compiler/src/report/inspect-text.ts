// The description of a model as text: first in a few lines what it is, what goes in and what comes out, then the whole graph.
import type { InspectReport, ModelKind } from './inspect.js';
import type { BorderReport } from './report.js';
import { visible } from './visible.js';

const meaning: Readonly<Record<ModelKind, string>> = {
  float: 'weights and activations are float32',
  float16: 'weights are stored as float16, the computation is float32',
  'dynamic-range': 'weights are int8, activations float32; it is not full-integer and no model for the Edge TPU',
  int8: 'full-integer: weights and activations are int8',
  uint8: 'full-integer of the older kind: weights and activations are uint8',
  mixed: 'some operators compute on integers and some on floats: it is not full-integer',
  edgetpu: 'compiled for the Edge TPU',
};

/** Describes; `graph` is the printed graph. What a hostile name holds besides text shows as a replacement character. */
export function inspectText(report: InspectReport, name: string, graph: string): string {
  const { kind, sizeBytes, parameters, inputs, outputs, ops, metadata, labels, edgeTpu } = report;
  const counted = ops.map(({ op, version, count }) => `${op} v${version}${count === 1 ? '' : ` x ${count}`}`);
  const total = ops.reduce((sum, { count }) => sum + count, 0);
  const rows: readonly (readonly [string, string])[] = [
    ['kind', `${kind}: ${meaning[kind]}`],
    ['size', `${number(sizeBytes)} bytes, ${number(parameters)} parameters`],
    ...inputs.map((input) => ['input', border(input)] as const),
    ...outputs.map((output) => ['output', border(output)] as const),
    ['ops', `${total}: ${counted.join(', ')}`],
    ...(edgeTpu === undefined
      ? []
      : [
          [
            'Edge TPU',
            `runtime ${edgeTpu.minRuntimeVersion} or newer, ${edgeTpu.packages.length} compiled ${edgeTpu.packages.length === 1 ? 'part' : 'parts'}; ` +
              `${number(edgeTpu.onChipBytes)} bytes of parameters on the chip, ${number(edgeTpu.offChipBytes)} off it; ` +
              `left to the CPU: ${edgeTpu.cpuOps.length === 0 ? 'nothing' : edgeTpu.cpuOps.map(({ op }) => op).join(', ')}`,
          ] as const,
          ...edgeTpu.problems.map((problem) => ['problem', problem] as const),
        ]),
    ...(labels === undefined ? [] : [['labels', labelsText(labels)] as const]),
    ...(metadata.minRuntimeVersion === null
      ? []
      : [['runtime', `TFLite ${metadata.minRuntimeVersion} or newer`] as const]),
    ...(metadata.description === '' ? [] : [['made by', metadata.description] as const]),
  ];
  const width = Math.max(...rows.map(([word]) => word.length));
  const head = rows.map(([word, text]) => `  ${word.padEnd(width)}  ${visible(text)}`);
  const body = graph.split('\n').map(visible).join('\n');
  return `${visible(name)}\n${head.join('\n')}\n\n${body}`;
}

function border({ name, type, shape, scale, zeroPoint }: BorderReport): string {
  const integers = scale === null ? '' : `, real = ${scale} * (q - ${zeroPoint ?? 0})`;
  return `${name} ${type} [${shape.join(', ')}]${integers}`;
}

function labelsText(labels: readonly string[]): string {
  const shown = labels.slice(0, 8).join(', ');
  return `${labels.length}: ${shown}${labels.length > 8 ? ', ...' : ''}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
