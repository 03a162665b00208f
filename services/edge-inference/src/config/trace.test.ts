import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { traceFromEnv } from './trace.js';

const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';

describe('traceFromEnv()', () => {
  test('without an endpoint, or when it is switched off, there are no traces', () => {
    for (const env of [
      {},
      { OTEL_TRACES_SAMPLER: 'always_on' },
      { [endpoint]: 'http://collector:4318', OTEL_SDK_DISABLED: 'true' },
      { [endpoint]: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' },
    ])
      assert.equal(traceFromEnv(env), undefined, JSON.stringify(env));
  });

  test('the common endpoint gets its path, the one of traces is taken as it is', () => {
    assert.deepEqual(traceFromEnv({ [endpoint]: 'http://collector:4318/' }), {
      url: 'http://collector:4318/v1/traces',
      serviceName: 'atoll-edge-inference',
      sampler: 'parentbased_always_on',
      ratio: 1,
    });
    const own = { [endpoint]: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://b/traces' };
    assert.equal(traceFromEnv(own)?.url, 'https://b/traces');
  });

  test('service name and sampler have their standard names', () => {
    const env = { OTEL_SERVICE_NAME: 'gate-7', OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };
    const { serviceName, sampler, ratio } = traceFromEnv({ [endpoint]: 'http://a', ...env }) ?? {};
    assert.deepEqual([serviceName, sampler, ratio], ['gate-7', 'traceidratio', 0.25]);
  });

  test('every fault is told', () => {
    assert.throws(
      () =>
        traceFromEnv({
          [endpoint]: 'http://a:4317',
          OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
          OTEL_TRACES_SAMPLER: 'sometimes',
          OTEL_TRACES_SAMPLER_ARG: '2',
        }),
      /OTEL_EXPORTER_OTLP_PROTOCOL="grpc" is not one of http\/json.*OTEL_TRACES_SAMPLER="sometimes".*OTEL_TRACES_SAMPLER_ARG="2"/,
    );
    assert.throws(
      () => traceFromEnv({ [endpoint]: 'collector:4318' }),
      /OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318" is not/,
    );
  });
});
