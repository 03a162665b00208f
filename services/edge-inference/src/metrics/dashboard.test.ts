import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { requestThatTook } from '../stats/requests-for-tests.js';
import { createStats } from '../stats.js';
import { nodeFamilies } from './node-families.js';
import { parseMetrics } from './parse-for-tests.js';
import { createRender } from './render.js';

const dashboard = new URL('../../../../deploy/grafana/atoll-nodes.json', import.meta.url);

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
}

test('every metric that the dashboard names is one that a node tells, with the labels that it groups by', async () => {
  const stats = createStats();
  stats.record({ ...requestThatTook(1), device: 'usb:0' });
  const version = { model: 'm', version: 1n, backend: 'wasm', device: 'cpu', label: 'stable', inService: true };
  const numbers = { ...version, trafficRatio: 1, memoryBytes: 1, stats: stats.snapshot(), series: stats.series };
  const { body } = await createRender()(
    nodeFamilies({
      release: '1',
      nodeVersion: '1',
      versions: [numbers],
      doors: [{ model: 'm', waiting: 0, limit: 1, refused: [] }],
      changes: [{ model: 'm', change: 'stable', count: 1 }],
      devices: [{ device: 'usb:0', state: 'ready', losses: 0, fallbacks: 0 }],
      restarts: 0,
      residentBytes: [1],
      memoryBudgetBytes: 0,
      memoryUsedBytes: 0,
    }),
  );
  const samples = [...parseMetrics(body).values()].flatMap((family) => family.samples);
  const { panels, templating } = JSON.parse(await readFile(dashboard, 'utf8')) as Dashboard;
  const expressions = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.map(({ query }) => query),
  ];
  const named = new Set(expressions.flatMap((text) => text.match(/\b(atoll|process|nodejs)_\w+/g) ?? []));
  assert.ok(named.size > 15);
  for (const name of named)
    assert.ok(
      samples.some((sample) => sample.name === name),
      `${name} is told by no node`,
    );
  for (const text of expressions) {
    const [, labels = ''] = /by \(([^)]*)\)/.exec(text) ?? [];
    const [name = ''] = /\batoll_\w+/.exec(text) ?? [];
    const has = samples.find((sample) => sample.name === name)?.labels ?? {};
    for (const label of labels.split(/, */).filter((one) => one !== ''))
      assert.ok(label in has, `${name} has no label ${label}: ${text}`);
  }
});
