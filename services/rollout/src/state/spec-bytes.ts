import { RolloutSpec } from '@atoll/proto/atoll/v1/rollout';
import type { Spec } from '../decide/rollout.js';

/** A spec as the contract's message; the release's digest is not in it. */
export function specMessage(spec: Spec): RolloutSpec {
  const { target, selector, waves, soak, ...rest } = spec;
  return {
    ...rest,
    model: target.model,
    version: target.version,
    selector: { ...selector },
    waves: [...waves],
    soak: { ...soak },
  };
}

/** The bytes under which a spec is kept. */
export function specBytes(spec: Spec): Uint8Array {
  return RolloutSpec.encode(specMessage(spec)).finish();
}

/** A spec from its bytes and the release's digest beside them. */
export function specOf(bytes: Uint8Array, manifestSha256: string): Spec {
  const { name, model, version, soak, ...rest } = RolloutSpec.decode(bytes);
  const none = { durationMs: 0, minRequests: 0, maxErrorRate: 0, maxLatencyRatio: 0, prepareDeadlineMs: 0 };
  return {
    name,
    target: { model, version, manifestSha256 },
    selector: rest.selector,
    waves: rest.waves,
    soak: soak ?? none,
    maxFailures: rest.maxFailures,
    maxFailureRate: rest.maxFailureRate,
    nodeDeadlineMs: rest.nodeDeadlineMs,
  };
}
