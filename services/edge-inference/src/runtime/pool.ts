import { AtollError } from '@atoll/base/error';
import type { RunResult } from './child-process.js';
import type { Candidate, LoadedInfo } from './messages.js';
import { createPlacedModel } from './placed-model.js';
import type { PlacedModel, SeatedSlot } from './placed-model.js';
import { noRoute, placeModel } from './placement.js';
import { startSlot } from './slot.js';
import type { LoadCheck } from './load-check.js';
import type { SlotOptions } from './slot.js';

/** An accelerator of this node as it is now. */
export interface DeviceStatus {
  /** Such as usb:0. */
  readonly device: string;
  /** `lost`: a model that should run there does not, and a CPU runs it where it can; the node keeps trying. */
  readonly state: 'idle' | 'ready' | 'lost';
  /** Why it is lost; empty otherwise. */
  readonly reason: string;
  /** How often it was lost since the node began. */
  readonly losses: number;
  /** Runs that a CPU made in its stead. */
  readonly fallbacks: number;
}

/** All slots of a node behind one face: models are put into every slot that they have a file for. */
export interface SlotPool {
  /** Runs that can be under way at once. */
  readonly size: number;
  /** Empty on a node without accelerators. */
  readonly devices: readonly DeviceStatus[];
  /** Process ids of the present children. */
  readonly pids: readonly number[];
  /**
   * Loads a model under a handle that was not used before; FAILED_PRECONDITION when no slot here is for any of its files. A device
   * that was away and is back runs it once `check` has nothing against it there.
   */
  open(handle: string, candidates: readonly Candidate[], check?: LoadCheck): Promise<LoadedInfo>;
  /** Runs on a device where the model has one that is ready, else on a CPU; among equals, where the fewest runs wait. */
  run(handle: string, inputs: readonly Uint8Array[], signal: AbortSignal): Promise<RunResult>;
  /** Why no slot can answer runs of a model at present; undefined when one can. */
  faultOf(handle: string): string | undefined;
  close(handle: string): Promise<void>;
  stop(): Promise<void>;
}

/** What a pool needs. */
export interface PoolOptions extends SlotOptions {
  /** Slots for the CPU. */
  readonly cpuSlots: number;
  /** Accelerators, such as usb:0, with a slot each. */
  readonly devices: readonly string[];
  /** Told when an accelerator is lost, with the reason in its status, and when it is back. */
  readonly onDevice?: (status: DeviceStatus) => void;
}

interface Tally {
  lost: boolean;
  losses: number;
  fallbacks: number;
}

/** Starts the slots. */
export async function startPool({
  cpuSlots,
  devices,
  onDevice,
  firstChild,
  ...options
}: PoolOptions): Promise<SlotPool> {
  const seats: SeatedSlot[] = [];
  const tallies: Tally[] = [];
  const models = new Map<string, PlacedModel>();
  /** The handle behind each name that a slot knows. */
  const handles = new Map<string, string>();

  const statusAt = (seat: number): DeviceStatus | undefined => {
    const { device } = seats[seat] ?? {};
    const { losses, fallbacks } = tallies[seat] ?? { losses: 0, fallbacks: 0 };
    if (device === undefined) return undefined;
    const faults = [...models.values()].flatMap((model) => model.faultAt(seat) ?? []);
    const reason = faults.find((fault) => fault !== '') ?? '';
    return { device, state: reason !== '' ? 'lost' : faults.length > 0 ? 'ready' : 'idle', reason, losses, fallbacks };
  };
  /** Tells of what has changed at a device. */
  const look = (seat: number): void => {
    const status = statusAt(seat);
    const tally = tallies[seat];
    if (status === undefined || tally === undefined || tally.lost === (status.state === 'lost')) return;
    tally.lost = !tally.lost;
    if (tally.lost) tally.losses++;
    const { device, reason } = status;
    if (tally.lost) options.log.error('a device is lost: its models run on the CPU where they can', { device, reason });
    else options.log.info('a device is back', { device });
    onDevice?.({ ...status, losses: tally.losses });
  };
  const start = async (seat: number, device: string | undefined): Promise<SeatedSlot> => {
    const { settings, log, onCrash, onFault } = options;
    const slot = await startSlot({
      ...options,
      settings: device === undefined ? settings : { ...settings, device },
      ...(seat === 0 && device === undefined ? { firstChild } : {}),
      log: log.with(device === undefined ? { slot: seat } : { slot: seat, device }),
      onCrash: (keys) => {
        onCrash([...new Set(keys.flatMap((key) => handles.get(key) ?? []))]);
        look(seat);
      },
      onFault: () => {
        onFault?.();
        for (const model of models.values()) model.look();
        look(seat);
      },
    });
    return { slot, device };
  };
  const stop = async (): Promise<void> => {
    await Promise.all(seats.map(({ slot }) => slot.stop()));
  };

  const wanted = [...Array.from({ length: cpuSlots }, () => undefined), ...devices];
  const started = await Promise.allSettled(wanted.map((device, seat) => start(seat, device)));
  for (const one of started) {
    if (one.status === 'rejected') continue;
    seats.push(one.value);
    tallies.push({ lost: false, losses: 0, fallbacks: 0 });
  }
  const failed = started.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }

  const forget = async (handle: string, model: PlacedModel): Promise<void> => {
    models.delete(handle);
    try {
      await model.close();
    } finally {
      for (const key of model.keys) handles.delete(key);
      seats.forEach((_, seat) => look(seat));
    }
  };
  return {
    size: wanted.length,
    get devices() {
      return seats.flatMap((_, seat) => statusAt(seat) ?? []);
    },
    get pids() {
      return seats.flatMap(({ slot }) => slot.pid ?? []);
    },
    async open(handle, candidates, check = () => undefined) {
      const plan = placeModel(candidates, seats);
      if (plan.routes.length === 0)
        throw new AtollError('FAILED_PRECONDITION', `cannot load ${handle}: ${noRoute(candidates, seats)}`);
      const onRun = (event: 'failed' | 'ran' | 'replaced', at: readonly number[]): void => {
        for (const seat of at) {
          const tally = tallies[seat];
          if (event !== 'replaced') look(seat);
          else if (tally !== undefined) tally.fallbacks++;
        }
      };
      const model = createPlacedModel({ handle, plan, seats, log: options.log, check, onRun });
      for (const key of model.keys) handles.set(key, handle);
      try {
        const info = await model.load();
        models.set(handle, model);
        seats.forEach((_, seat) => look(seat));
        return info;
      } catch (error) {
        await forget(handle, model).catch((reason: unknown) =>
          options.log.warn('a model could not be unloaded', { handle, error: reason }),
        );
        throw error;
      }
    },
    run(handle, inputs, signal) {
      const model = models.get(handle);
      if (model !== undefined) return model.run(inputs, signal);
      return Promise.reject(new AtollError('NOT_FOUND', `cannot run ${handle}: it is not loaded`));
    },
    faultOf: (handle) => models.get(handle)?.fault(),
    async close(handle) {
      const model = models.get(handle);
      if (model !== undefined) await forget(handle, model);
    },
    stop,
  };
}
