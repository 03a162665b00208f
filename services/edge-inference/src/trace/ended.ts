/*
 * What happens to a request that is over beside being counted: it is told to the collector, and when it failed through no fault of
 * its caller, to the log, with the trace that it belongs to. A node that fails a thousand requests a second writes a few lines.
 */
import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import { faultOfVersion } from '../stats/outcome.js';
import type { RequestTrace } from './request-trace.js';
import { parseTraceparent } from './traceparent.js';
import type { Tracing } from './tracing.js';

/** Takes in a request that is over. */
export type Ended = (trace: RequestTrace) => void;

/** Lines about failed requests in any one second. */
const mostLines = 5;
const spanMs = 1_000;

/** `tracing` undefined = no collector. */
export function createEnded(tracing: Tracing | undefined, log: Logger, clock: Clock): Ended {
  let sinceMs = -Infinity;
  let lines = 0;
  let unsaid = 0;
  const complain = ({ model, version, request, traceparent, error }: RequestTrace): void => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sinceMs >= spanMs) {
      sinceMs = nowMs;
      lines = 0;
    }
    if (lines >= mostLines) {
      unsaid++;
      return;
    }
    lines++;
    const { outcome, backend, device } = request;
    const traceId = parseTraceparent(traceparent)?.traceId;
    log.warn('a request failed', { model, version, outcome, backend, device, traceId, reason: error, unsaid });
    unsaid = 0;
  };
  return (trace) => {
    tracing?.record(trace);
    if (faultOfVersion.has(trace.request.outcome)) complain(trace);
  };
}
