import type { KeyObject } from 'node:crypto';
import { isAtollError } from '@atoll/base/error';
import { readDesired } from '@atoll/release/desired';
import { decodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { publicKeySet } from '@atoll/release/keys';

/** Reads the generation of what a broker holds for a node; undefined when this director did not sign it for that node. */
export function generationReader(
  directorPublicKey: KeyObject,
): (nodeId: string, held: Uint8Array) => bigint | undefined {
  const trusted = publicKeySet([directorPublicKey]);
  return (nodeId, held) => {
    try {
      const { desired } = readDesired(decodeEnvelope(held, payloadTypes.desired), trusted);
      return desired.nodeId === nodeId ? desired.generation : undefined;
    } catch (error) {
      if (isAtollError(error)) return undefined;
      throw error;
    }
  };
}
