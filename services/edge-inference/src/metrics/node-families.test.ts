import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failedRequest, requestThatTook } from '../stats/requests-for-tests.js';
import { createStats } from '../stats.js';
import { nodeFamilies } from './node-families.js';
import type { NodeNumbers, VersionNumbers } from './numbers.js';
import { parseMetrics } from './parse-for-tests.js';
import { createRender } from './render.js';

function version(given: Partial<VersionNumbers>, records = [requestThatTook(1)]): VersionNumbers {
  const stats = createStats();
  for (const record of records) stats.record(record);
  return {
    model: 'intel',
    version: 3n,
    backend: 'native-litert',
    device: 'cpu',
    label: 'stable',
    inService: true,
    trafficRatio: 1,
    memoryBytes: 1_000,
    stats: stats.snapshot(),
    series: stats.series,
    ...given,
  };
}

const quiet: NodeNumbers = {
  release: '0.1.0',
  nodeVersion: 'v20.0.0',
  versions: [],
  doors: [],
  changes: [],
  devices: [],
  restarts: 0,
  residentBytes: [],
  memoryBudgetBytes: 0,
  memoryUsedBytes: 0,
};

async function rendered(numbers: Partial<NodeNumbers>) {
  const render = createRender();
  const { contentType, body } = await render(nodeFamilies({ ...quiet, ...numbers }));
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  const families = parseMetrics(body);
  return (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
    families
      .get(name.replace(/_(bucket|sum|count)$/, ''))
      ?.samples.find(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      )?.value;
}

describe('nodeFamilies(), rendered', () => {
  test('a node without models tells its build and its process', async () => {
    const value = await rendered({});
    assert.equal(value('atoll_build_info', { version: '0.1.0' }), 1);
    assert.ok((value('process_cpu_user_seconds_total') ?? -1) >= 0);
  });

  test('requests are counted by outcome, device and backend; ok and error begin at 0', async () => {
    const invalid = { ...failedRequest, outcome: 'invalid' as const };
    const value = await rendered({ versions: [version({}, [requestThatTook(1), requestThatTook(2), invalid])] });
    const labels = { model: 'intel', version: '3', backend: 'native-litert', device: 'cpu' };
    assert.equal(value('atoll_inference_requests_total', { ...labels, outcome: 'ok' }), 2);
    assert.equal(value('atoll_inference_requests_total', { ...labels, outcome: 'invalid' }), 1);
    assert.equal(value('atoll_inference_requests_total', { ...labels, outcome: 'error' }), 0);
  });

  test('a duration is in every bucket from its edge on, in seconds', async () => {
    const request = { ...requestThatTook(3), queueMs: 40, inputMs: 0.2, outputMs: 1 };
    const value = await rendered({ versions: [version({}, [request])] });
    const bucket = (stage: string, le: string) => value(`atoll_inference_${stage}_duration_seconds_bucket`, { le });
    assert.deepEqual([bucket('infer', '0.0025'), bucket('infer', '0.005')], [0, 1]);
    assert.deepEqual([bucket('queue', '0.025'), bucket('queue', '0.05')], [0, 1]);
    assert.deepEqual([bucket('input', '0.0001'), bucket('input', '0.00025')], [0, 1]);
    assert.deepEqual([bucket('output', '0.0005'), bucket('output', '+Inf')], [0, 1]);
    assert.ok(Math.abs((value('atoll_inference_request_duration_seconds_sum') ?? 0) - 0.0442) < 1e-9);
  });

  test('stages are those of successes', async () => {
    const value = await rendered({ versions: [version({}, [requestThatTook(1), failedRequest])] });
    assert.equal(value('atoll_inference_request_duration_seconds_count', { outcome: 'error' }), 1);
    assert.equal(value('atoll_inference_infer_duration_seconds_count', { outcome: 'ok' }), 1);
    assert.equal(value('atoll_inference_infer_duration_seconds_count', { outcome: 'error' }), undefined);
  });

  test('what ran elsewhere than chosen is a fallback', async () => {
    const onCpu = requestThatTook(9);
    const value = await rendered({
      versions: [
        version({ backend: 'edgetpu', device: 'usb:0' }, [
          onCpu,
          { ...onCpu, backend: 'edgetpu', device: 'usb:0' },
          onCpu,
        ]),
      ],
      devices: [{ device: 'usb:0', state: 'lost', losses: 1, fallbacks: 2 }],
    });
    assert.equal(value('atoll_inference_fallbacks_total', { device: 'cpu', backend: 'native-litert' }), 2);
    assert.equal(value('atoll_inference_fallbacks_total', { device: 'usb:0' }), undefined);
    assert.deepEqual([value('atoll_device_up'), value('atoll_device_losses_total')], [0, 1]);
  });

  test('a version that is gone leaves no series', async () => {
    const value = await rendered({ versions: [version({ version: 4n })] });
    assert.equal(value('atoll_inference_requests_total', { version: '3' }), undefined);
    assert.equal(value('atoll_inference_requests_total', { version: '4', outcome: 'ok' }), 1);
  });

  test('the same version twice, one on its way out, is told as one', async () => {
    const value = await rendered({ versions: [version({ inService: false, label: '' }), version({})] });
    assert.equal(value('atoll_inference_requests_total', { outcome: 'ok' }), 2);
    assert.equal(value('atoll_model_in_service'), 1);
  });

  test('names from outside cannot break out of their label', async () => {
    const model = 'a"b\\c\nd} 1';
    const value = await rendered({
      versions: [version({ model })],
      doors: [{ model, waiting: 3, limit: 64, refused: [{ outcome: 'rejected', count: 7 }] }],
    });
    assert.equal(value('atoll_inference_pending_requests', { model }), 3);
    assert.equal(value('atoll_inference_requests_total', { model, outcome: 'rejected' }), 7);
  });

  test('changes, restarts and memory are told', async () => {
    const value = await rendered({
      changes: [{ model: 'intel', change: 'returned', count: 2 }],
      restarts: 5,
      residentBytes: [100, 200],
      memoryBudgetBytes: 1e9,
    });
    assert.equal(value('atoll_model_changes_total', { change: 'returned' }), 2);
    assert.equal(value('atoll_runtime_restarts_total'), 5);
    assert.equal(value('atoll_runtime_resident_memory_bytes', { slot: '1' }), 200);
    assert.equal(value('atoll_models_memory_budget_bytes'), 1e9);
  });
});
