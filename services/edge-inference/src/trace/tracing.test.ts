import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { createLogger, silentLogger } from '@atoll/base/log';
import type { TraceConfig } from '../config/trace.js';
import type { NodeUnderTest } from '../node-for-tests.js';
import { inferRequest, nodeUnderTest } from '../node-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker } from '../packages-for-tests.js';
import { failedRequest, requestThatTook } from '../stats/requests-for-tests.js';
import type { OtlpReceiver } from './otlp-receiver-for-tests.js';
import { startOtlpReceiver } from './otlp-receiver-for-tests.js';
import type { RequestTrace } from './request-trace.js';
import { startTracing } from './tracing.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

function config(endpoint: string, sampler: TraceConfig['sampler'] = 'parentbased_always_on', ratio = 1): TraceConfig {
  return { url: `${endpoint}/v1/traces`, serviceName: 'gate-7', sampler, ratio };
}

function traceOf(change: Partial<RequestTrace> = {}): RequestTrace {
  const request = { ...requestThatTook(4), queueMs: 1, inputMs: 2, endedAtMs: 1_700_000_000_000 };
  return {
    model: 'intel',
    version: 3n,
    request,
    traceparent: undefined,
    tracestate: undefined,
    error: undefined,
    ...change,
  };
}

describe('startTracing()', () => {
  let receiver: OtlpReceiver;
  before(async () => {
    receiver = await startOtlpReceiver();
  });
  after(() => receiver.stop());

  /** What the collector gets of these requests. */
  async function told(settings: TraceConfig, ...requests: readonly RequestTrace[]) {
    const before = receiver.spans.length;
    const tracing = await startTracing(settings, 'node-1', silentLogger);
    for (const request of requests) tracing.record(request);
    await tracing.stop();
    return receiver.spans.slice(before);
  }

  test("a request is a span in its caller's trace, and its stages are spans in it", async () => {
    const traceparent = `00-${traceId}-${parentId}-01`;
    const spans = await told(config(receiver.endpoint), traceOf({ traceparent, tracestate: 'vendor=abc' }));
    const whole = spans.find(({ name }) => name === 'infer intel');
    assert.deepEqual([whole?.traceId, whole?.parentSpanId, whole?.traceState], [traceId, parentId, 'vendor=abc']);
    assert.equal(whole?.kind, 2, 'a server span');
    assert.equal(Math.round(whole?.tookMs ?? 0), 7);
    assert.deepEqual(whole?.attributes, {
      'atoll.model': 'intel',
      'atoll.version': '3',
      'atoll.backend': 'native-litert',
      'atoll.device': 'cpu',
      'atoll.outcome': 'ok',
    });
    const { resource } = whole;
    assert.deepEqual([resource['service.name'], resource['service.instance.id']], ['gate-7', 'node-1']);
    const parts = spans.filter((span) => span !== whole);
    assert.deepEqual(
      parts.map(({ name, parentSpanId, tookMs }) => [name, parentSpanId, Math.round(tookMs)]),
      [
        ['queue', whole.spanId, 1],
        ['input', whole.spanId, 2],
        ['infer', whole.spanId, 4],
      ],
    );
    for (const [index, part] of parts.slice(1).entries()) {
      assert.equal(
        part.startTimeUnixNano,
        parts[index]?.endTimeUnixNano,
        `${part.name} begins where the one before ends`,
      );
    }
  });

  test('a failed request is an error with its words', async () => {
    const failed = traceOf({ request: { ...failedRequest, endedAtMs: 5_000 }, error: 'the runtime process is gone' });
    const [span] = await told(config(receiver.endpoint), failed);
    assert.deepEqual(span?.status, { code: 2, message: 'the runtime process is gone' });
    assert.deepEqual([span?.attributes['error.type'], span?.attributes['atoll.outcome']], ['error', 'error']);
  });

  test('the sampler decides, from the parent where it is asked to', async () => {
    const unsampled = traceOf({ traceparent: `00-${traceId}-${parentId}-00` });
    const sampled = traceOf({ traceparent: `00-${traceId}-${parentId}-01` });
    const table: [TraceConfig['sampler'], number, RequestTrace, spans: number][] = [
      ['parentbased_always_on', 1, unsampled, 0],
      ['parentbased_always_on', 1, traceOf(), 4],
      ['parentbased_always_off', 1, sampled, 4],
      ['parentbased_always_off', 1, traceOf(), 0],
      ['always_on', 1, unsampled, 4],
      ['always_off', 1, sampled, 0],
      ['traceidratio', 0, sampled, 0],
      ['parentbased_traceidratio', 0, sampled, 4],
    ];
    for (const [sampler, ratio, request, expected] of table) {
      const spans = await told(config(receiver.endpoint, sampler, ratio), request);
      assert.equal(spans.length, expected, `${sampler} ${request.traceparent}`);
    }
  });

  test('a header that keeps to nothing begins a new trace', async () => {
    const spans = await told(config(receiver.endpoint), traceOf({ traceparent: 'nonsense' }));
    const span = spans.find(({ name }) => name === 'infer intel');
    assert.ok(span);
    assert.equal(span.parentSpanId, undefined);
    assert.match(span.traceId, /^[0-9a-f]{32}$/);
  });

  test('a collector that is not there is one line in the log, and costs a bounded queue', async () => {
    const gone = await startOtlpReceiver();
    await gone.stop();
    const lines: string[] = [];
    const log = createLogger({ service: 'test', write: (line) => void lines.push(line) });
    const tracing = await startTracing(config(gone.endpoint), 'node-1', log);
    for (let i = 0; i < 10_000; i++) tracing.record(traceOf());
    await tracing.stop();
    await eventually(() => assert.ok(lines.length > 0), 15_000);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /spans could not be delivered/);
  });
});

describe('an edge node with a collector', () => {
  let maker: PackageMaker;
  let receiver: OtlpReceiver;
  let node: NodeUnderTest;
  before(async () => {
    [maker, receiver] = await Promise.all([packageMaker(), startOtlpReceiver()]);
    node = await nodeUnderTest({ trace: config(receiver.endpoint), httpListen: '127.0.0.1:0' });
    await node.running.swapper.activate(await maker.make(1n), new AbortController().signal);
  });
  after(async () => {
    await receiver.stop();
    await maker.remove();
  });

  test('requests of both protocols are spans in the traces of their callers', async () => {
    const [overRpc, overHttp] = ['a'.repeat(32), 'b'.repeat(32)];
    await node.open.modelInfer(inferRequest(1), { metadata: { traceparent: `00-${overRpc}-${parentId}-01` } });
    const response = await fetch(`http://${node.running.http}/v2/models/tiny/infer`, {
      method: 'POST',
      headers: { traceparent: `00-${overHttp}-${parentId}-01` },
      body: JSON.stringify({ inputs: [{ name: 'wrong', datatype: 'UINT8', shape: [1], data: [1] }] }),
    });
    assert.equal(response.status, 400);
    await node.stop();
    const of = (id: string) => receiver.spans.filter((span) => span.traceId === id);
    assert.deepEqual(
      new Set(of(overRpc).map(({ name }) => name)),
      new Set(['infer tiny', 'queue', 'input', 'infer', 'output']),
    );
    assert.deepEqual(of(overHttp).map(({ name, attributes }) => [name, attributes['atoll.outcome']])[0], [
      'infer tiny',
      'invalid',
    ]);
  });
});
