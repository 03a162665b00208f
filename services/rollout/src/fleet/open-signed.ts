import { decodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { openStatus } from '@atoll/release/status';
import type { OpenStatus } from './fleet.js';

/** Opens reports as real nodes send them: signed envelopes. */
export const openSigned: OpenStatus = (nodeId, bytes, nodePublicKey) =>
  openStatus(decodeEnvelope(bytes, payloadTypes.status), nodePublicKey, nodeId);
