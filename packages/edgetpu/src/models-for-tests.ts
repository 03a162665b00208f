// Small models for the tests of the planner: operators by name over named tensors, without bytes where none are looked at.
import { builtinNames } from '@atoll/tflite/ops';
import type { Operator, Tensor, TfLiteModel } from '@atoll/tflite/model';

/** An operator: its name, tensors by name, and what is not the default. */
export interface OpSketch {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly version?: number;
  readonly options?: Operator['options'];
}

/** A tensor: int8 of the shape [1, 8, 8, 4] with a scale, where nothing else is said. */
export interface TensorSketch extends Partial<Tensor> {
  readonly ints?: readonly number[];
  readonly bytes?: Uint8Array;
}

/** The model of `ops` in order; tensors that no operator makes and that have no data are its inputs, unread ones its outputs. */
export function sketch(ops: readonly OpSketch[], tensors: Readonly<Record<string, TensorSketch>> = {}): TfLiteModel {
  const names = [
    ...new Set([...Object.keys(tensors), ...ops.flatMap(({ inputs, outputs }) => [...inputs, ...outputs])]),
  ];
  const buffers: Uint8Array[] = [new Uint8Array()];
  const made = names.map((name): Tensor => {
    const { ints, bytes, ...rest } = tensors[name] ?? {};
    const data = bytes ?? (ints === undefined ? undefined : new Uint8Array(Int32Array.from(ints).buffer));
    const buffer = data === undefined ? 0 : buffers.push(data) - 1;
    const quantization = { min: [], max: [], scale: [0.5], zeroPoint: [0], dimension: 0, details: null };
    const base = { shape: [1, 8, 8, 4], isVariable: false, shapeSignature: [], hasRank: false, sparsity: null };
    const type = ints === undefined ? 'int8' : 'int32';
    const shape = ints === undefined ? base.shape : [ints.length];
    return { ...base, name, type, shape, buffer, quantization, variantTensors: [], ...rest };
  });
  const at = (name: string): number => (name === '' ? -1 : names.indexOf(name));
  const outputs = new Set(ops.flatMap((op) => op.outputs));
  const read = new Set(ops.flatMap((op) => op.inputs));
  const codes = ops.map(({ op, version = 1 }) => {
    const code = builtinNames.findIndex((name) => name === op);
    return { code: code < 0 ? 32 : code, customCode: code < 0 ? op : '', version };
  });
  return {
    description: '',
    operatorCodes: codes,
    buffers,
    metadata: [],
    signatures: [],
    subgraphs: [
      {
        name: 'main',
        tensors: made,
        inputs: names.flatMap((name, index) => (!outputs.has(name) && made[index]?.buffer === 0 ? [index] : [])),
        outputs: [...outputs].filter((name) => !read.has(name)).map(at),
        operators: ops.map((op, opcode) => ({
          opcode,
          inputs: op.inputs.map(at),
          outputs: op.outputs.map(at),
          options: op.options ?? null,
          customOptions: new Uint8Array(),
          mutatingInputs: [],
          intermediates: [],
        })),
      },
    ],
  };
}

/** Operators one after another, from tensor t0 to t1 to t2. */
export function chain(...names: readonly string[]): readonly OpSketch[] {
  return names.map((op, index) => ({ op, inputs: [`t${index}`], outputs: [`t${index + 1}`] }));
}
