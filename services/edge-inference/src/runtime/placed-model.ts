/*
 * A model in the slots that were chosen for it, and the way of each run: the best route whose slots are ready. What a device or a
 * part of a row fails to do, the next route does, and the reply names what did it; a CPU's failure stays one, because the same
 * input might end every other CPU slot too. A device on which a model fails is left alone for a while, longer each time.
 */
import { AtollError, reasonOf, toAtollError } from '@atoll/base/error';
import type { ErrorCode } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { tensorMismatch } from '../models/golden.js';
import { isBeforeRun, type RunResult } from './child-process.js';
import { machineMs } from './messages.js';
import type { LoadedInfo } from './messages.js';
import { createPipeline } from './pipeline.js';
import type { Pipeline } from './pipeline.js';
import type { Load, Plan, Route, Seat } from './placement.js';
import type { LoadCheck } from './load-check.js';
import { createRowProof, type RowProof } from './row-proof.js';
import type { Slot } from './slot.js';
import { afterFailure } from './trust.js';
import type { Trust } from './trust.js';

/** A slot, and what it is a slot of. */
export interface SeatedSlot extends Seat {
  readonly slot: Slot;
}

/** See the head of the file. */
export interface PlacedModel {
  /** Names it in each of its slots. */
  readonly keys: readonly string[];
  /** Loads it; a device that is away is tried on, as long as another route is there. */
  load(): Promise<LoadedInfo>;
  /** UNAVAILABLE when no route could run it. */
  run(inputs: readonly Uint8Array[], signal: AbortSignal): Promise<RunResult>;
  /** Why no route can take a run at present; undefined when one can, or will. */
  fault(): string | undefined;
  /** How it stands in a slot: undefined when it has no place there, '' when it runs there, else why it does not. */
  faultAt(seat: number): string | undefined;
  /** Something may have changed in its slots. */
  look(): void;
  close(): Promise<void>;
}

/** What it works with. */
export interface PlacedModelDeps {
  readonly handle: string;
  readonly plan: Plan;
  readonly seats: readonly SeatedSlot[];
  readonly log: Logger;
  /** Judges the model each time that a device or a row takes it back; the first time is the business of whoever loads it. */
  readonly check: LoadCheck;
  /** Told where runs failed and were done elsewhere, where they went well, and where a CPU stood in for a device. */
  readonly onRun: (event: 'failed' | 'ran' | 'replaced', seats: readonly number[]) => void;
}

interface Place {
  readonly key: string;
  readonly load: Load;
  readonly slot: Slot;
  readonly onDevice: boolean;
  info: LoadedInfo | undefined;
  trust: Trust | undefined;
  lastFailure: string;
}

/** One of the places of a route, or all of them in a row. */
interface Way {
  readonly kind: Route['kind'];
  readonly on: Route['on'];
  /** Of its route, the best being 0. */
  readonly rank: number;
  readonly places: readonly Place[];
  row: Pipeline | undefined;
  /** Of a row. */
  readonly proof: RowProof | undefined;
  /** True for a row that was whole only after the model was in service, and is no row of this model. */
  unfit: boolean;
}

type Signature = Pick<LoadedInfo, 'inputs' | 'outputs'>;

const never = new AbortController().signal;

/** Failures that another slot would have too. */
const callersFault: ReadonlySet<ErrorCode> = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
]);

/** A model that is not loaded yet. */
export function createPlacedModel({ handle, plan, seats, log, check, onRun }: PlacedModelDeps): PlacedModel {
  const places = plan.loads.flatMap((load): Place[] => {
    const seated = seats[load.seat];
    if (seated === undefined) return [];
    const { segment } = load;
    const key = segment === undefined ? handle : `${handle} segment ${segment.index} of ${segment.count}`;
    const { slot, device } = seated;
    return [{ key, load, slot, onDevice: device !== undefined, info: undefined, trust: undefined, lastFailure: '' }];
  });
  const proofOf = (way: () => Way): RowProof =>
    createRowProof({
      handle,
      isThere: () => way().places.every(({ slot, key }) => slot.ready(key)) && isJoined(way()),
      faultOfParts: () => faultOf(way().places),
      async prove() {
        const { places: parts } = way();
        const [first] = parts.flatMap(({ info }) => info ?? []);
        const row = rowOf(parts, runAt);
        if (first === undefined) throw new AtollError('INTERNAL', `cannot try ${handle}: it has no place`);
        const { inputs, outputs } = row;
        await check({ ...first, inputs, outputs }, (given) => row.run(given, never, false));
      },
      onTried(fault) {
        if (fault === undefined) log.info('a row of parts answered its golden cases and serves again', { handle });
        else log.error('a row of parts does not answer its golden cases and stays off', { handle, reason: fault });
        onRun(fault === undefined ? 'ran' : 'failed', seatsOf(way()));
      },
    });
  const ways = plan.routes.flatMap(({ kind, on, loads }, rank): Way[] => {
    const all = loads.flatMap((index) => places[index] ?? []);
    const rows = kind === 'pipeline' ? [all] : all.map((place) => [place]);
    return rows.map((row) => {
      const proof = kind === 'pipeline' ? proofOf(() => way) : undefined;
      const way: Way = { kind, on, rank, places: row, row: undefined, unfit: false, proof };
      return way;
    });
  });
  /** False where the model has CPU slots alone, whole: then nothing is told of its runs. */
  const mayFall = ways.some(({ on, kind }) => on === 'device' || kind === 'pipeline');
  /** What callers know the model by: every way must look the same to them. */
  let known: Signature | undefined;
  let isLoaded = false;

  const take =
    (place: Place): LoadCheck =>
    async (info, run) => {
      // A part alone has no golden cases.
      if (place.load.segment === undefined) {
        sameToCallers(known, info);
        if (isLoaded) await check(info, run);
      }
      place.info = info;
      if (isLoaded) for (const way of ways) if (way.places.includes(place)) way.proof?.doubt();
    };
  const loadAt = async (place: Place): Promise<void> => {
    const { slot, key, load, onDevice } = place;
    if (onDevice) await slot.keep(key, load.candidates, take(place));
    else if (load.segment === undefined) place.info = await slot.open(key, load.candidates);
    else await slot.open(key, load.candidates, take(place));
  };
  const runAt = (
    { slot, key }: Place,
    inputs: readonly Uint8Array[],
    signal: AbortSignal,
    patient: boolean,
  ): Promise<RunResult> => slot.run(key, inputs, signal, patient);

  /** What a way takes and gives, once all of it has been loaded. */
  /** A part of a row that serves: it is waited for here, since what waits in its slot would run before the row is tried. */
  const runPart = async (
    proof: RowProof | undefined,
    ...[place, inputs, signal, patient]: Parameters<typeof runAt>
  ): Promise<RunResult> => {
    for (let again = patient; ; again = false) {
      if (patient) await proof?.whole(signal);
      else if (proof?.holds === false) throw new AtollError('UNAVAILABLE', `cannot run ${handle}: a part is new`);
      try {
        return await runAt(place, inputs, signal, false);
      } catch (error) {
        if (!again || !isBeforeRun(error)) throw error;
      }
    }
  };
  const rowOf = (places: readonly Place[], run: typeof runAt): Pipeline =>
    createPipeline(
      places.map((place) => ({
        inputs: place.info?.inputs ?? [],
        outputs: place.info?.outputs ?? [],
        run: (inputs, signal, patient) => run(place, inputs, signal, patient),
      })),
    );
  const signatureOf = (way: Way): Signature | undefined => {
    const infos = way.places.flatMap(({ info }) => info ?? []);
    if (infos.length < way.places.length) return undefined;
    if (way.kind === 'whole') return infos[0];
    way.row ??= rowOf(way.places, (...run) => runPart(way.proof, ...run));
    return way.row;
  };
  const isReady = ({ slot, key, trust }: Place): boolean =>
    slot.ready(key) && (trust === undefined || trust.awayUntilMs <= machineMs());
  /** A row is joined at the first look at it after all its parts have been loaded. */
  const isJoined = (way: Way): boolean => {
    if (way.unfit) return false;
    if (way.kind === 'whole' || way.row !== undefined) return true;
    try {
      sameToCallers(known, signatureOf(way));
      return way.row !== undefined;
    } catch (error) {
      way.unfit = true;
      log.error('the parts of a cut model do not fit', { handle, error });
      return false;
    }
  };
  const isOpen = (way: Way): boolean => way.places.every(isReady) && isJoined(way) && way.proof?.holds !== false;
  const hasFault = (way: Way): boolean => (faultOf(way.places) ?? way.proof?.fault) !== undefined;
  const waiting = (way: Way): number => Math.max(...way.places.map(({ slot }) => slot.load));
  const better = (one: Way, other: Way): Way => {
    if (one.rank !== other.rank) return one.rank < other.rank ? one : other;
    return waiting(other) < waiting(one) ? other : one;
  };
  /** The best way that is open; where none is, the last resort, at which a run waits for its slot to come back. */
  const choose = (untried: readonly Way[]): Way | undefined => {
    const open = untried.filter(isOpen);
    if (open.length > 0) return open.reduce(better);
    const last = untried.filter(({ rank }) => rank === untried.at(-1)?.rank);
    const sound = last.filter((way) => !hasFault(way));
    return (sound.length > 0 ? sound : last).reduce<Way | undefined>(
      (least, way) => (least === undefined ? way : better(least, way)),
      undefined,
    );
  };
  const seatsOf = (way: Way): readonly number[] => way.places.map(({ load }) => load.seat);

  const failed = (way: Way, error: unknown): void => {
    // In a row, what failed is the part whose slot is gone.
    const gone = way.places.filter(({ slot, key }) => !slot.ready(key));
    let isNews = false;
    for (const place of gone.length > 0 ? gone : way.places) {
      const trust = afterFailure(place.trust, machineMs());
      isNews ||= trust !== place.trust;
      place.trust = trust;
      place.lastFailure = reasonOf(error);
    }
    log[isNews ? 'warn' : 'debug']('a run failed and is tried elsewhere', { handle, reason: reasonOf(error) });
    onRun('failed', seatsOf(way));
  };
  const ran = (way: Way): void => {
    for (const place of way.places) place.trust = undefined;
    onRun('ran', seatsOf(way));
    if (way.on === 'cpu')
      onRun('replaced', [...new Set(ways.flatMap((one) => (one.on === 'device' ? seatsOf(one) : [])))]);
  };
  const runOn = async (
    way: Way,
    inputs: readonly Uint8Array[],
    signal: AbortSignal,
    patient: boolean,
  ): Promise<RunResult> => {
    const [place] = way.places;
    if (way.kind === 'whole' && place !== undefined) return await runAt(place, inputs, signal, patient);
    if (isJoined(way) && way.row !== undefined) return await way.row.run(inputs, signal, patient);
    throw new AtollError('UNAVAILABLE', `cannot run ${handle}: ${faultOf(way.places) ?? 'it is not loaded'}`);
  };

  const runSomewhere = async (inputs: readonly Uint8Array[], signal: AbortSignal): Promise<RunResult> => {
    for (let untried = ways, failure: unknown; ;) {
      const way = choose(untried);
      if (way === undefined) throw failure;
      const final = way.on === 'cpu' && way.kind === 'whole';
      try {
        const result = await runOn(way, inputs, signal, final || untried.length === 1);
        ran(way);
        return result;
      } catch (error) {
        if (final || signal.aborted || callersFault.has(toAtollError(error).code)) throw error;
        failed(way, error);
        failure = new AtollError('UNAVAILABLE', reasonOf(error), { cause: error });
        untried = untried.filter((one) => one !== way);
      }
    }
  };

  return {
    keys: places.map(({ key }) => key),
    async load() {
      const loads = await Promise.allSettled(places.map(loadAt));
      const failures = loads.flatMap((load, i) =>
        load.status === 'rejected' ? [{ at: places[i], why: load.reason as unknown }] : [],
      );
      const whole = ways.filter((way) => signatureOf(way) !== undefined);
      const fatal = failures.find(({ at }) => at?.onDevice === false) ?? (whole.length === 0 ? failures[0] : undefined);
      if (fatal !== undefined) throw fatal.why;
      for (const way of whole) known = sameToCallers(known, signatureOf(way));
      const described = whole[0]?.places.flatMap(({ info }) => info ?? []) ?? [];
      const [info] = described;
      if (info === undefined || known === undefined)
        throw new AtollError('INTERNAL', `cannot load ${handle}: it has no place`);
      isLoaded = true;
      const memoryBytes = places.reduce((sum, place) => sum + (place.info?.memoryBytes ?? 0), 0);
      const device = [...new Set(described.map((one) => one.device))].join('+');
      return { backend: info.backend, device, inputs: known.inputs, outputs: known.outputs, memoryBytes };
    },
    run(inputs, signal) {
      if (mayFall) return runSomewhere(inputs, signal);
      // The way of nearly every request, and a short one: a CPU slot, whatever comes of it.
      const [place] = (ways.length === 1 ? ways[0] : choose(ways))?.places ?? [];
      if (place === undefined)
        return Promise.reject(new AtollError('INTERNAL', `cannot run ${handle}: it has no place`));
      return runAt(place, inputs, signal, true);
    },
    fault: () => {
      const faults = ways.map((way) => faultOf(way.places) ?? way.proof?.fault);
      return faults.includes(undefined) ? undefined : faults.at(-1);
    },
    faultAt(seat) {
      const here = places.filter(({ load }) => load.seat === seat);
      if (here.length === 0) return undefined;
      const away = here.find((place) => !isReady(place));
      if (away !== undefined) return (faultOf([away]) ?? away.lastFailure) || 'its runtime process is being replaced';
      const row = ways.find(
        ({ proof, unfit, places: parts }) =>
          !unfit && proof?.holds === false && here.some((one) => parts.includes(one)),
      );
      return row === undefined ? '' : (row.proof?.fault ?? 'its row has not answered the golden cases yet');
    },
    look() {
      for (const way of ways) way.proof?.look();
    },
    async close() {
      for (const way of ways) way.proof?.stop();
      await Promise.all(places.map(({ slot, key }) => slot.close(key)));
    },
  };
}

function faultOf(places: readonly Place[]): string | undefined {
  return places.map(({ slot, key }) => slot.faultOf(key)).find((fault) => fault !== undefined);
}

/** The first of the two, when callers cannot tell one from the other; FAILED_PRECONDITION when they can. */
function sameToCallers(known: Signature | undefined, other: Signature | undefined): Signature | undefined {
  if (known === undefined || other === undefined) return known ?? other;
  const gap = tensorMismatch(known.inputs, other.inputs) ?? tensorMismatch(known.outputs, other.outputs);
  if (gap === undefined) return known;
  throw new AtollError('FAILED_PRECONDITION', `cannot use the files of one package in place of each other: ${gap}`);
}
