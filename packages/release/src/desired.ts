/** What one node shall run: signed by the director key, opened by that node alone. */
import type { KeyObject } from 'node:crypto';
import { type Sha256, sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { DesiredState, type Envelope, type SoakPolicy } from '@atoll/proto/atoll/v1/release';
import { isName, isSha256, isWithin, type Refuse, refuser, shown } from './check.js';
import { openEnvelope, parsePayload, payloadTypes, sealEnvelope } from './envelope.js';
import { checkExpiry } from './expiry.js';
import type { PublicKeySet } from './keys.js';

/** A desired state whose signature, addressee and fields are right. */
export interface OpenedDesired {
  readonly desired: DesiredState;
  /** SHA-256 of the envelope's payload, for decideDesired. */
  readonly payloadSha256: Sha256;
}

/** Checks the fields and signs. */
export function sealDesired(desired: DesiredState, directorKey: KeyObject): Envelope {
  checkDesired(desired);
  return sealEnvelope(payloadTypes.desired, DesiredState.encode(desired).finish(), directorKey);
}

/**
 * Verifies, parses and checks a desired state. PERMISSION_DENIED for the signature or another node's state,
 * INVALID_ARGUMENT for a field, FAILED_PRECONDITION once it is expired at `nowMs`.
 */
export function openDesired(envelope: Envelope, trusted: PublicKeySet, nodeId: string, nowMs: number): OpenedDesired {
  const opened = readDesired(envelope, trusted);
  const { desired } = opened;
  if (desired.nodeId !== nodeId) {
    throw new AtollError(
      'PERMISSION_DENIED',
      `cannot follow a desired state as ${nodeId}: it is for ${desired.nodeId}`,
    );
  }
  checkExpiry(`desired state ${desired.generation} of ${nodeId}`, desired.expiresUnixMs, nowMs);
  return opened;
}

/** openDesired for whoever is not the node: verifies, parses and checks, whomever it is for and however old. */
export function readDesired(envelope: Envelope, trusted: PublicKeySet): OpenedDesired {
  const payload = openEnvelope(envelope, payloadTypes.desired, trusted);
  const desired = parsePayload('a desired state', () => DesiredState.decode(payload));
  checkDesired(desired);
  return { desired, payloadSha256: sha256(payload) };
}

function checkDesired(desired: DesiredState): void {
  const refuse = refuser(`desired state ${desired.generation} of ${shown(desired.nodeId)}`);
  if (!isName(desired.nodeId)) throw refuse('its node id is not 1 to 63 of a-z, 0-9 and -');
  if (desired.generation < 1n) throw refuse('generations begin at 1');
  if (!isName(desired.rollout)) throw refuse(`it names rollout ${shown(desired.rollout)}`);
  if (!isName(desired.model)) throw refuse(`it names model ${shown(desired.model)}`);
  if (desired.version < 1n) throw refuse('versions begin at 1');
  if (!isSha256(desired.manifestSha256)) throw refuse('it has no digest of the release');
  if (desired.createdUnixMs <= 0n || desired.expiresUnixMs <= desired.createdUnixMs)
    throw refuse('its times are not in order');
  if (desired.notBeforeUnixMs < 0n || desired.notBeforeUnixMs > desired.expiresUnixMs)
    throw refuse('it is not to begin before it expires');
  if (!isWithin(desired.attempt, 0, 1e6)) throw refuse(`it is attempt ${desired.attempt}`);
  if (!isWithin(desired.wave, 0, 1e6)) throw refuse(`it names wave ${desired.wave}`);
  if (desired.soak === undefined) throw refuse('it has no soak policy');
  checkSoak(desired.soak, refuse);
}

/** Refuses a soak policy that is out of bounds; `refuse` makes the error. */
export function checkSoak(soak: SoakPolicy, refuse: Refuse): void {
  if (!isWithin(soak.durationMs, 0, 7 * 24 * 3_600_000)) throw refuse(`its soak lasts ${soak.durationMs} ms`);
  if (!isWithin(soak.minRequests, 0, 1e9)) throw refuse(`its soak wants ${soak.minRequests} requests`);
  if (!isWithin(soak.maxErrorRate, 0, 1)) throw refuse(`its soak allows an error rate of ${soak.maxErrorRate}`);
  if (!isWithin(soak.maxLatencyRatio, 0, 1e6))
    throw refuse(`its soak allows a latency ratio of ${soak.maxLatencyRatio}`);
  if (!isWithin(soak.prepareDeadlineMs, 0, 7 * 24 * 3_600_000))
    throw refuse(`it gives ${soak.prepareDeadlineMs} ms to prepare`);
}
