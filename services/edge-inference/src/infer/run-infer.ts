/*
 * One inference, whatever protocol brought it: lease the version, wait for its turn, check the tensors against the model, run,
 * and hand back what the request wanted. The protocols translate into an InferCall and out of an InferAnswer, and decide nothing.
 */
import { AtollError } from '@atoll/base/error';
import type { TensorSpec } from '@atoll/runtime/model';
import type { Caller } from '../admit/caller.js';
import type { Inference, Timings } from '../inference.js';
import type { ServedVersion } from '../swap/served-version.js';
import type { VersionTarget } from '../swap/target.js';
import { classification } from './classification.js';
import { datatypeOf, type InferInput, inputBytes } from './tensors.js';

/** What a request asks. */
export interface InferCall {
  readonly model: string;
  readonly target: VersionTarget;
  readonly inputs: readonly InferInput[];
  /** What is wanted, in this order; empty = all outputs. */
  readonly outputs: readonly WantedOutput[];
}

/** An output that is wanted: the tensor itself (classes 0), or its greatest elements, see classification.ts. */
export interface WantedOutput {
  readonly name: string;
  readonly classes: number;
}

/** A tensor that came out; its bytes are row-major and little-endian. */
export interface InferOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly spec: TensorSpec;
  /** The elements of a classification, whose datatype is BYTES; undefined for the tensor itself. */
  readonly texts: readonly string[] | undefined;
}

/** What came of it, and who made it. */
export interface InferAnswer {
  readonly served: ServedVersion;
  /** What ran it, and where: of this very run. */
  readonly backend: string;
  readonly device: string;
  /** `inferMs` is the run alone. */
  readonly timings: Timings & { readonly inferMs: number };
  readonly outputs: readonly InferOutput[];
}

/** See the head of the file; INVALID_ARGUMENT names the tensor, what the model wants and what was given. */
export async function runInfer(inference: Inference, call: InferCall, caller: Caller): Promise<InferAnswer> {
  const { result, served, timings } = await inference.withVersion(call.model, call.target, caller, async (leased) => {
    const { inputs, outputs } = leased.served.info;
    const wanted = wantedOutputs(call.outputs, outputs);
    return { wanted, run: await leased.run(inputBytes(call.inputs, inputs)) };
  });
  const { run, wanted } = result;
  const { queueMs, latencyMs } = timings;
  return {
    served,
    backend: run.backend,
    device: run.device,
    timings: { queueMs, latencyMs, inferMs: run.inferMs },
    outputs: wanted.map(({ index, spec, classes }) =>
      outputOf(outputAt(run.outputs, index, spec), spec, classes, served.pkg.labels),
    ),
  };
}

function outputOf(bytes: Uint8Array, spec: TensorSpec, classes: number, labels: readonly string[]): InferOutput {
  const { name, dtype, shape } = spec;
  if (classes === 0) return { name, datatype: datatypeOf(dtype), shape, bytes, spec, texts: undefined };
  const { texts, bytes: classified } = classification(bytes, spec, classes, labels);
  return { name, datatype: 'BYTES', shape: [texts.length], bytes: classified, spec, texts };
}

interface Wanted {
  readonly index: number;
  readonly spec: TensorSpec;
  readonly classes: number;
}

function wantedOutputs(wanted: readonly WantedOutput[], specs: readonly TensorSpec[]): readonly Wanted[] {
  const all = specs.map((spec, index) => ({ index, spec, classes: 0 }));
  if (wanted.length === 0) return all;
  if (new Set(wanted.map(({ name }) => name)).size < wanted.length)
    throw new AtollError('INVALID_ARGUMENT', 'cannot infer: an output is wanted twice');
  return wanted.map(({ name, classes }) => {
    const found = all.find(({ spec }) => spec.name === name);
    if (found !== undefined) return { ...found, classes };
    const given = specs.map((spec) => spec.name).join(', ');
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot infer: the model has no output ${name.slice(0, 100)}, it gives ${given}`,
    );
  });
}

function outputAt(outputs: readonly Uint8Array[], index: number, spec: TensorSpec): Uint8Array {
  const bytes = outputs[index];
  if (bytes === undefined) throw new AtollError('INTERNAL', `the runtime did not give output ${spec.name}`);
  return bytes;
}
