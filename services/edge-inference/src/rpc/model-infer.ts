import { AtollError } from '@atoll/base/error';
import type { ModelInferRequest, ModelInferResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { CallContext } from '@atoll/rpc/handlers';
import type { TensorSpec } from '@atoll/runtime/model';
import type { Inference } from '../inference.js';
import { callerOf, targetOf } from './caller.js';
import { datatypeOf, inputsOf, toContents } from './tensors.js';

/** inference.GRPCInferenceService/ModelInfer: raw contents are answered raw, typed ones typed. */
export function modelInfer(inference: Inference) {
  return async (request: ModelInferRequest, context: CallContext): Promise<ModelInferResponse> => {
    const target = targetOf(request.modelVersion);
    const { result, served, timings } = await inference.withVersion(
      request.modelName,
      target,
      callerOf(context),
      async (leased) => {
        const wanted = wantedOutputs(request, leased.served.info.outputs);
        const { outputs, inferMs } = await leased.run(inputsOf(request, leased.served.info.inputs));
        return { wanted, outputs, inferMs };
      },
    );
    const raw = request.rawInputContents.length > 0;
    const bytesOf = (index: number): Uint8Array => result.outputs[index] ?? new Uint8Array(0);
    const double = (value: number) => ({ parameterChoice: { $case: 'doubleParam' as const, value } });
    return {
      modelName: served.pkg.model,
      modelVersion: String(served.pkg.version),
      id: request.id,
      parameters: {
        backend: { parameterChoice: { $case: 'stringParam', value: served.info.backend } },
        queue_ms: double(timings.queueMs),
        latency_ms: double(timings.latencyMs),
        infer_ms: double(result.inferMs),
      },
      outputs: result.wanted.map(({ index, spec }) => ({
        name: spec.name,
        datatype: datatypeOf(spec.dtype),
        shape: spec.shape.map(BigInt),
        parameters: {},
        contents: raw ? undefined : toContents(bytesOf(index), spec),
      })),
      rawOutputContents: raw ? result.wanted.map(({ index }) => Buffer.from(bytesOf(index))) : [],
    };
  };
}

function wantedOutputs(
  request: ModelInferRequest,
  specs: readonly TensorSpec[],
): { index: number; spec: TensorSpec }[] {
  const all = specs.map((spec, index) => ({ index, spec }));
  if (request.outputs.length === 0) return all;
  return request.outputs.map(({ name }) => {
    const found = all.find(({ spec }) => spec.name === name);
    if (found === undefined) throw new AtollError('INVALID_ARGUMENT', `cannot infer: the model has no output ${name}`);
    return found;
  });
}
