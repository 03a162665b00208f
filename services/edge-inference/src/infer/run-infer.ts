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
import { datatypeOf, type InferInput, inputBytes } from './tensors.js';

/** What a request asks. */
export interface InferCall {
  readonly model: string;
  readonly target: VersionTarget;
  readonly inputs: readonly InferInput[];
  /** Names of the outputs that are wanted, in this order; empty = all. */
  readonly outputs: readonly string[];
}

/** A tensor that came out; its bytes are row-major and little-endian. */
export interface InferOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly spec: TensorSpec;
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
  return {
    served,
    backend: run.backend,
    device: run.device,
    timings: { ...timings, inferMs: run.inferMs },
    outputs: wanted.map(({ index, spec }) => ({
      name: spec.name,
      datatype: datatypeOf(spec.dtype),
      shape: spec.shape,
      bytes: outputAt(run.outputs, index, spec),
      spec,
    })),
  };
}

function wantedOutputs(names: readonly string[], specs: readonly TensorSpec[]): { index: number; spec: TensorSpec }[] {
  const all = specs.map((spec, index) => ({ index, spec }));
  if (names.length === 0) return all;
  return names.map((name) => {
    const found = all.find(({ spec }) => spec.name === name);
    if (found !== undefined) return found;
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
