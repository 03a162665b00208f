/** Signs desired states: the only use of the director key. */
import type { KeyObject } from 'node:crypto';
import { AtollError } from '@atoll/base/error';
import { DesiredState } from '@atoll/proto/atoll/v1/release';
import { sealDesired } from '@atoll/release/desired';
import { decodeEnvelope, encodeEnvelope, payloadTypes } from '@atoll/release/envelope';
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
  /** From 1; a node that condemned the target refuses it until a higher one. */
  readonly attempt: number;
  /** From 1. */
  readonly wave: number;
}

/** The bytes that go over the bus. */
export interface SignedOrder {
  readonly envelope: Buffer;
  /** After this the node no longer begins to act on it, milliseconds since the Unix epoch. */
  readonly expiresMs: number;
}

/** Whoever signs. */
export interface Director {
  sign(order: Order, nowMs: number): SignedOrder;
  /** The same once more, with a new generation and new times; `envelope` is one that it signed. */
  renew(envelope: Uint8Array, generation: bigint, nowMs: number): SignedOrder;
}

/** How long a node may begin to act on a desired state. */
const validMs = 90 * 86_400_000;

/** A director with this key. */
export function createDirector(directorKey: KeyObject): Director {
  const seal = (desired: Omit<DesiredState, 'createdUnixMs' | 'expiresUnixMs'>, nowMs: number): SignedOrder => {
    const expiresMs = nowMs + validMs;
    const times = { createdUnixMs: BigInt(nowMs), expiresUnixMs: BigInt(expiresMs) };
    return { envelope: Buffer.from(encodeEnvelope(sealDesired({ ...desired, ...times }, directorKey))), expiresMs };
  };
  return {
    sign: ({ target, soak, ...order }, nowMs) => {
      const unset = { notBeforeUnixMs: 0n, rootVersion: 0n };
      return seal({ ...order, ...unset, ...target, soak: { ...soak } }, nowMs);
    },
    renew: (envelope, generation, nowMs) => {
      const before = DesiredState.decode(decodeEnvelope(envelope, payloadTypes.desired).payload);
      if (generation > before.generation) return seal({ ...before, generation }, nowMs);
      throw new AtollError(
        'INTERNAL',
        `cannot renew desired state ${before.generation} of ${before.nodeId}: generation ${generation} is not above it`,
      );
    },
  };
}
