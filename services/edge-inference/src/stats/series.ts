/*
 * Requests of one version by where they ran and how they ended: what metrics and ModelStatistics are made of. A cell is made at
 * the first request of its kind and found again by comparing with the last one, so that a request pays for additions alone.
 */
import type { DurationsRecorder, Durations } from './durations.js';
import { createDurations } from './durations.js';
import type { Outcome } from './outcome.js';

/** What a request leaves behind. Durations are milliseconds; a stage that it did not reach is 0. */
export interface RequestRecord {
  readonly outcome: Outcome;
  /** Until it was admitted and a slot took it. */
  readonly queueMs: number;
  /** Decoding and copying until the run began. */
  readonly inputMs: number;
  /** The run alone. */
  readonly inferMs: number;
  /** From the end of the run to the answer. */
  readonly outputMs: number;
  /** The backend and the device of the run; those of the version when none came about. */
  readonly backend: string;
  readonly device: string;
  /** Wall time of its end, milliseconds since the Unix epoch. */
  readonly endedAtMs: number;
}

/** The stages of a request in their order. */
export const stages = ['queue', 'input', 'infer', 'output'] as const;

/** One of the stages. */
export type Stage = (typeof stages)[number];

/** Requests of one kind. */
export interface Series {
  readonly backend: string;
  readonly device: string;
  readonly outcome: Outcome;
  /** From arrival to answer, all stages together. */
  readonly request: Durations;
  readonly stages: Readonly<Record<Stage, Durations>>;
}

/** All series of a version. */
export interface SeriesRecorder {
  record(request: RequestRecord): void;
  /** In the order in which they came up. */
  readonly all: readonly Series[];
}

interface Cell extends Series {
  readonly request: DurationsRecorder;
  readonly stages: Readonly<Record<Stage, DurationsRecorder>>;
}

/** A recorder without series. */
export function createSeries(): SeriesRecorder {
  const cells: Cell[] = [];
  let last: Cell | undefined;
  const cellOf = ({ backend, device, outcome }: RequestRecord): Cell => {
    const isIt = (cell: Cell): boolean =>
      cell.outcome === outcome && cell.backend === backend && cell.device === device;
    if (last !== undefined && isIt(last)) return last;
    last = cells.find(isIt);
    if (last === undefined) {
      const [queue, input, infer, output] = [
        createDurations(),
        createDurations(),
        createDurations(),
        createDurations(),
      ];
      last = { backend, device, outcome, request: createDurations(), stages: { queue, input, infer, output } };
      cells.push(last);
    }
    return last;
  };
  return {
    all: cells,
    record(request) {
      const { queueMs, inputMs, inferMs, outputMs } = request;
      const cell = cellOf(request);
      cell.request.add(queueMs + inputMs + inferMs + outputMs);
      cell.stages.queue.add(queueMs);
      cell.stages.input.add(inputMs);
      cell.stages.infer.add(inferMs);
      cell.stages.output.add(outputMs);
    },
  };
}
