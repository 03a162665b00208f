import { AtollError } from '@atoll/base/error';
import type { RunResult } from './child-process.js';
import type { Candidate, LoadedInfo } from './messages.js';
import { startSlot } from './slot.js';
import type { Slot, SlotOptions } from './slot.js';

/** An accelerator of this node as it is now. */
export interface DeviceStatus {
  /** Such as usb:0. */
  readonly device: string;
  /** `lost`: it is not there, or not to be had, and what it should run runs on the CPU; the node keeps trying. */
  readonly state: 'idle' | 'ready' | 'lost';
  /** Why it is lost; empty otherwise. */
  readonly reason: string;
  /** How often it was lost since the node began. */
  readonly losses: number;
  /** Runs that a CPU made in its stead. */
  readonly fallbacks: number;
}

/** All slots of a node, each with every model, behind one face. */
export interface SlotPool {
  /** Runs that can be under way at once. */
  readonly size: number;
  /** Empty on a node without accelerators. */
  readonly devices: readonly DeviceStatus[];
  /** Process ids of the present children. */
  readonly pids: readonly number[];
  open(handle: string, candidates: readonly Candidate[]): Promise<LoadedInfo>;
  /** Runs where the fewest runs wait. */
  run(handle: string, inputs: readonly Uint8Array[], signal: AbortSignal): Promise<RunResult>;
  /** Why no slot can answer runs of a model at present; undefined when one can. */
  faultOf(handle: string): string | undefined;
  close(handle: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `size` slots. */
export async function startPool(size: number, options: SlotOptions): Promise<SlotPool> {
  const slots: Slot[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(slots.map((slot) => slot.stop()));
  };
  try {
    for (let i = 0; i < size; i++) {
      slots.push(await startSlot({ ...options, log: options.log.with({ slot: i }) }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const close = async (handle: string): Promise<void> => {
    await Promise.all(slots.map((slot) => slot.close(handle)));
  };
  return {
    size,
    devices: [],
    get pids() {
      return slots.flatMap((slot) => slot.pid ?? []);
    },
    async open(handle, candidates) {
      const loads = await Promise.allSettled(slots.map((slot) => slot.open(handle, candidates)));
      const failed = loads.find((load) => load.status === 'rejected');
      const [loaded] = loads.flatMap((load) => (load.status === 'fulfilled' ? [load.value] : []));
      if (failed === undefined && loaded !== undefined) return loaded;
      await close(handle);
      throw failed?.reason ?? new AtollError('INTERNAL', `cannot load ${handle}: the node has no slot`);
    },
    run(handle, inputs, signal) {
      // A slot that cannot run it is the last choice: it refuses at once.
      const cost = (slot: Slot): number => (slot.faultOf(handle) === undefined ? slot.load : Infinity);
      const best = slots.reduce((least, candidate) => (cost(candidate) < cost(least) ? candidate : least));
      return best.run(handle, inputs, signal);
    },
    faultOf(handle) {
      const faults = slots.map((slot) => slot.faultOf(handle));
      return faults.includes(undefined) ? undefined : faults[0];
    },
    close,
    stop,
  };
}
