import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readReport } from './perf-analyzer.js';

const head =
  'Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,Server Compute Infer,' +
  'Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency';

describe('readReport', () => {
  test('takes rate and percentiles by the names of their columns, microseconds as milliseconds', () => {
    assert.deepEqual(readReport(`${head}\n8,594.353,7,376,9699,24,3169,150,1,13046,14584,16935,21905\n`), {
      requestsPerSecond: 594.353,
      p50Ms: 13.046,
      p99Ms: 21.905,
      clientCpuMs: null,
    });
  });

  for (const [what, csv] of [
    ['an empty report', ''],
    ['a report without its line', `${head}\n`],
    ['a report without p99', 'Concurrency,Inferences/Second,p50 latency\n1,300,3000\n'],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => readReport(csv), { code: 'DATA_LOSS', message: /has no number for/ });
    });
  }
});
