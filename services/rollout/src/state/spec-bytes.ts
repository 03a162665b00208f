import { AbortPolicy, RolloutSpec } from '@atoll/proto/atoll/v1/rollout';
import { filledIn, type SpecRequest } from '../decide/admission.js';
import type { Spec } from '../decide/rollout.js';

/** A spec as the contract's message; the release's digest is not in it. */
export function specMessage(spec: Spec): RolloutSpec {
  const { target, selector, waves, soak, metrics, onFailure, ...rest } = spec;
  return {
    ...rest,
    model: target.model,
    version: target.version,
    selector: { ...selector },
    waves: [...waves],
    soak: { ...soak },
    metrics: metrics === undefined ? undefined : { ...metrics },
    onFailure: onFailure === 'keep' ? AbortPolicy.ABORT_POLICY_KEEP : AbortPolicy.ABORT_POLICY_REVERT,
  };
}

/** What a message asks for. */
export function requestOf({ onFailure, ...rest }: RolloutSpec): SpecRequest {
  return { ...rest, onFailure: onFailure === AbortPolicy.ABORT_POLICY_KEEP ? 'keep' : 'revert' };
}

/** The bytes under which a spec is kept. */
export function specBytes(spec: Spec): Uint8Array {
  return RolloutSpec.encode(specMessage(spec)).finish();
}

/** A spec from its bytes and the release's digest beside them; fields that are newer than the bytes have their defaults. */
export function specOf(bytes: Uint8Array, manifestSha256: string): Spec {
  return filledIn(requestOf(RolloutSpec.decode(bytes)), manifestSha256);
}
