import { runInfer } from '../infer/run-infer.js';
import type { Inference } from '../inference.js';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';
import type { Handler } from './handlers.js';
import { headerLengthOf, mostBytes, rawInferRequest, readInferRequest } from './infer-request.js';
import { toInferAnswer } from './infer-response.js';

/** POST /v2/models/NAME[/versions/V]/infer */
export function infer(inference: Inference, manager: SwapManager): Handler {
  return async ({ route: { model, version }, request, body, caller }) => {
    const target = targetOf(version);
    const specs = manager.find(model, target).info.inputs;
    const headerLength = headerLengthOf(request.headers['inference-header-content-length']);
    const { jsonBytes, bodyBytes } = mostBytes(specs);
    const bytes = await body(headerLength === undefined ? jsonBytes : bodyBytes);
    const asked = headerLength === 0 ? rawInferRequest(bytes, specs) : readInferRequest(bytes, headerLength, jsonBytes);
    const { inputs, outputs, scheduling } = asked;
    const call = { model, target, inputs, outputs };
    return toInferAnswer(asked, await runInfer(inference, call, caller(scheduling)));
  };
}
