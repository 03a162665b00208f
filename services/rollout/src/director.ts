/** Signs desired states: the only use of the director key. */
import type { KeyObject } from 'node:crypto';
import { sealDesired } from '@atoll/release/desired';
import { encodeEnvelope } from '@atoll/release/envelope';
import type { Target } from './decide/fleet-view.js';
import type { Soak } from './decide/rollout.js';

/** What a node shall run, before it is signed. */
export interface Order {
  readonly nodeId: string;
  readonly generation: bigint;
  readonly rollout: string;
  readonly target: Target;
  readonly downgradeOk: boolean;
  readonly soak: Soak;
}

/** Signs one order; gives the bytes that go over the bus. */
export type Director = (order: Order, nowMs: number) => Buffer;

/** How long a node may begin to act on a desired state. */
const validMs = 90 * 86_400_000;

/** A director with this key. */
export function createDirector(directorKey: KeyObject): Director {
  return ({ target, soak, ...order }, nowMs) => {
    const times = { createdUnixMs: BigInt(nowMs), expiresUnixMs: BigInt(nowMs + validMs) };
    return Buffer.from(encodeEnvelope(sealDesired({ ...order, ...target, ...times, soak: { ...soak } }, directorKey)));
  };
}
