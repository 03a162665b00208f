import type { Outcome } from '../stats/outcome.js';
import type { Stage } from '../stats/series.js';
import { stages } from '../stats/series.js';
import type { RequestRecord } from '../stats/series.js';

/** A request that is over, as traces tell it. */
export interface RequestTrace {
  readonly model: string;
  /** Undefined when it ended before a version took it. */
  readonly version: bigint | undefined;
  readonly request: RequestRecord;
  /** What its caller sent of its own trace. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** Undefined for success. */
  readonly error: string | undefined;
}

/** A span to make; times are milliseconds since the Unix epoch. */
export interface PlannedSpan {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The whole of a request and the stages in it, laid end to end backwards from its end; a stage that took nothing has no span. */
export function plannedSpans({ model, request }: RequestTrace): {
  readonly whole: PlannedSpan;
  readonly parts: readonly PlannedSpan[];
} {
  const tookMs: Readonly<Record<Stage, number>> = {
    queue: request.queueMs,
    input: request.inputMs,
    infer: request.inferMs,
    output: request.outputMs,
  };
  const startMs = request.endedAtMs - stages.reduce((sum, stage) => sum + tookMs[stage], 0);
  const parts: PlannedSpan[] = [];
  let atMs = startMs;
  for (const stage of stages) {
    const endMs = atMs + tookMs[stage];
    if (tookMs[stage] > 0) parts.push({ name: stage, startMs: atMs, endMs });
    atMs = endMs;
  }
  return { whole: { name: `infer ${model}`, startMs, endMs: request.endedAtMs }, parts };
}

/** What a request's spans say, with the labels that metrics have. */
export function traceAttributes({ model, version, request, error }: RequestTrace): Readonly<Record<string, string>> {
  const { backend, device, outcome } = request;
  const failure: Readonly<Record<string, string>> = outcome === 'ok' ? {} : failureOf(outcome, error);
  const ran: Readonly<Record<string, string>> = version === undefined ? {} : { 'atoll.version': String(version) };
  return {
    'atoll.model': model,
    ...ran,
    'atoll.backend': backend,
    'atoll.device': device,
    'atoll.outcome': outcome,
    ...failure,
  };
}

function failureOf(outcome: Outcome, error: string | undefined): Readonly<Record<string, string>> {
  return error === undefined ? { 'error.type': outcome } : { 'error.type': outcome, 'error.message': error };
}
