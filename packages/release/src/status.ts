/** What a node says of itself: signed by its own key, so that nobody speaks for it. */
import type { KeyObject } from 'node:crypto';
import { AtollError } from '@atoll/base/error';
import { type Envelope, StatusReport } from '@atoll/proto/atoll/v1/release';
import { checkTexts, isName, isSha256, type Refuse, refuser, shown } from './check.js';
import { openEnvelope, parsePayload, payloadTypes, sealEnvelope } from './envelope.js';
import { publicKeySet } from './keys.js';

/** Checks the fields and signs. */
export function sealStatus(status: StatusReport, nodeKey: KeyObject): Envelope {
  checkStatus(status);
  return sealEnvelope(payloadTypes.status, StatusReport.encode(status).finish(), nodeKey);
}

/**
 * Verifies, parses and checks a report of node `nodeId`. PERMISSION_DENIED when another key signed it or another
 * node is named in it, INVALID_ARGUMENT for a field.
 */
export function openStatus(envelope: Envelope, nodePublicKey: KeyObject, nodeId?: string): StatusReport {
  const payload = openEnvelope(envelope, payloadTypes.status, publicKeySet([nodePublicKey]));
  const status = parsePayload('a status report', () => StatusReport.decode(payload));
  checkStatus(status);
  if (nodeId !== undefined && status.nodeId !== nodeId) {
    throw new AtollError('PERMISSION_DENIED', `cannot take a report for ${nodeId}: it is of ${status.nodeId}`);
  }
  return status;
}

/** True when `next` is newer than `last` of the same node: another boot, or a higher sequence of the same one. */
export function isNewerStatus(last: StatusReport | undefined, next: StatusReport): boolean {
  if (last === undefined) return true;
  if (last.bootId === next.bootId) return next.sequence > last.sequence;
  return next.createdUnixMs >= last.createdUnixMs || next.observedGeneration > last.observedGeneration;
}

function checkStatus(status: StatusReport): void {
  const refuse = refuser(`the status report of ${shown(status.nodeId)}`);
  if (!isName(status.nodeId)) throw refuse('its node id is not 1 to 63 of a-z, 0-9 and -');
  if (!/^[A-Za-z0-9-]{1,64}$/.test(status.bootId)) throw refuse('it has no boot id');
  if (status.model !== '' && !isName(status.model)) throw refuse(`it names model ${shown(status.model)}`);
  if ((status.model === '') !== (status.version === 0n)) throw refuse('model and version go together');
  if (status.manifestSha256 !== '' && !isSha256(status.manifestSha256))
    throw refuse('its manifest digest is malformed');
  if (status.createdUnixMs <= 0n) throw refuse('it does not say when it was made');
  checkLengths(status, refuse);
  checkTexts('labels', status.labels, 32, refuse);
}

function checkLengths(status: StatusReport, refuse: Refuse): void {
  if (!/^[A-Z0-9_]{0,64}$/.test(status.reasonCode)) throw refuse(`its reason code is ${shown(status.reasonCode)}`);
  if (status.message.length > 1024) throw refuse('its message is over 1,024 characters');
  if (status.backend.length > 64) throw refuse('its backend name is over 64 characters');
  if (status.address.length > 256) throw refuse('its address is over 256 characters');
  if (status.alarms.length > 16) throw refuse(`it has ${status.alarms.length} alarms, 16 are allowed`);
  for (const alarm of status.alarms)
    if (!/^[A-Z0-9_]{1,64}$/.test(alarm)) throw refuse(`it raises alarm ${shown(alarm)}`);
}
