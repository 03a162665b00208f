import type { RequestRecord } from './series.js';

/** A request that succeeded and whose run took this long, every other stage nothing. */
export function requestThatTook(inferMs: number): RequestRecord {
  return {
    outcome: 'ok',
    queueMs: 0,
    inputMs: 0,
    inferMs,
    outputMs: 0,
    backend: 'native-litert',
    device: 'cpu',
    endedAtMs: 1,
  };
}

/** A request that failed through its version. */
export const failedRequest: RequestRecord = { ...requestThatTook(0), outcome: 'error' };
