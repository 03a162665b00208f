import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TensorDetail } from '../report/details.js';
import { type PageContent, quantizationPage } from './quantization-page.js';

const hostile = '</title><script>alert(1)</script><img src=x onerror="alert(2)">\u202e\u0007';

const tensor = (name: string, sqnrDb: number | null): TensorDetail => ({
  name,
  op: 'CONV_2D',
  min: -1.5,
  max: 3,
  scale: 4.5 / 255,
  zeroPoint: -43,
  sqnrDb,
  clipped: 0.0012,
  method: 'mse',
  histogram: { min: -2, max: 4, counts: [1, 0, 20_000, 5, 2, 1] },
});

const content: PageContent = {
  name: 'model.h5',
  report: {
    file: 'model.tflite',
    sizeBytes: 100_000,
    floatSizeBytes: 390_000,
    seconds: 2.34,
    mode: 'full-integer',
    input: { name: 'image', type: 'uint8', shape: [1, 32, 32, 3], scale: 1 / 255, zeroPoint: 0 },
    output: { name: 'scores', type: 'uint8', shape: [1, 6], scale: 1 / 256, zeroPoint: 0 },
    ops: [{ op: 'CONV_2D', version: 3, count: 2 }],
    parameters: 97_542,
    calibrationImages: 100,
    eval: { images: 60, floatTop1: 0.9, int8Top1: 0.88, agreement: 0.98, meanAbsError: 0.0021, maxAbsError: 0.1 },
    edgeTpu: {
      ops: [{ op: 'CONV_2D', count: 2, status: 'Mapped to Edge TPU' }],
      onEdgeTpu: 2,
      onCpu: 0,
      subgraphs: 1,
      onChipBytes: 98_000,
      offChipBytes: 0,
    },
    warnings: ['few photos'],
  },
  details: {
    tensors: [tensor('image', null), tensor('conv1', 38.2), tensor('conv2', 17.4), tensor('scores', 30)],
    perClass: [
      { label: 'frog', images: 30, floatRight: 28, int8Right: 28, agree: 30 },
      { label: 'ship', images: 30, floatRight: 26, int8Right: 25, agree: 29 },
    ],
    worst: [{ photo: 'ship/1.png', float: 'ship', int8: 'frog', error: 0.1 }],
    errorHistogram: { min: 0, max: 0.1, counts: [50, 8, 2] },
  },
  choices: [['ranges', 'auto']],
  lineage: {
    model: [{ name: 'model.h5', sha256: 'a'.repeat(64) }],
    dataset: 'b'.repeat(64),
    evalDataset: 'c'.repeat(64),
    samples: 100,
    seed: '1',
    runtime: 'LiteRT',
    edgeTpuCompiler: null,
    code: 'd'.repeat(64),
  },
};

/** Names of elements that are open at the end, and of those closed in the wrong order; none in a well-formed page. */
function unbalanced(page: string): readonly string[] {
  const empty = new Set(['!doctype', 'meta', 'br']);
  const open: string[] = [];
  const faults: string[] = [];
  for (const [, slash, name = '', rest = ''] of page.matchAll(/<(\/?)([!a-z][a-z0-9]*)((?:"[^"]*"|[^">])*)>/gi)) {
    if (empty.has(name.toLowerCase()) || rest.endsWith('/')) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) faults.push(`</${name}>`);
  }
  return [...faults, ...open];
}

describe('quantizationPage', () => {
  it('shows every part, warnings before figures', async () => {
    const page = (await quantizationPage(content)).replace(/\s+/g, ' ');
    const parts = [
      'One warning',
      'few photos',
      '100,000 bytes',
      '3.90 times smaller than 390,000',
      '98.0 %',
      'float: 90.0 %',
      'zero point',
      '<td>ship</td><td class="n">30</td><td class="n">86.7 %</td>',
      'ship/1.png',
      'Differences of scores',
      'Farthest from the float model is <code class="mark">conv2</code> (CONV_2D): 17.4 dB',
      'Values and chosen ranges',
      'Mapped to Edge TPU',
      'a'.repeat(64),
    ];
    let from = 0;
    for (const part of parts) {
      const at = page.indexOf(part, from);
      assert.ok(at >= 0, `${part} after ${page.slice(Math.max(0, from - 60), from)}`);
      from = at;
    }
  });

  it('says why logits of little signal are not the layer that costs most', async () => {
    const logits = { ...tensor('logits', 9), method: 'logits' };
    const details = { ...content.details, tensors: [tensor('conv1', 38.2), logits] };
    const page = await quantizationPage({ ...content, details });
    assert.match(page, /Farthest from the float model is <code class="mark">conv1<\/code>/);
    assert.match(page, /Logits do not count here/);
    assert.doesNotMatch(await quantizationPage(content), /Logits do not count here/);
  });

  it('is well-formed, draws a chart a histogram, and fetches and runs nothing', async () => {
    const page = await quantizationPage(content);
    assert.deepEqual(unbalanced(page), []);
    assert.equal([...page.matchAll(/<svg /g)].length, 1 + 1 + 4);
    assert.doesNotMatch(
      page.replaceAll(/xmlns(:xlink)?="http[^"]*"/g, ''),
      /https?:|<script|<link|<img|src=|href=|@import|url\(/,
    );
    assert.doesNotMatch(page, /NaN|Infinity|undefined|\[object/);
  });

  it('shows hostile names as text', async () => {
    const page = await quantizationPage({
      ...content,
      name: hostile,
      report: { ...content.report, warnings: [hostile], input: { ...content.report.input, name: hostile } },
      details: {
        tensors: [tensor(hostile, 3)],
        perClass: [{ label: hostile, images: 0, floatRight: 0, int8Right: 0, agree: 0 }],
        worst: [{ photo: hostile, float: hostile, int8: hostile, error: 1 }],
        errorHistogram: null,
      },
      choices: [[hostile, hostile]],
    });
    assert.deepEqual(unbalanced(page), []);
    assert.doesNotMatch(page, /<script|<img|\u202e/);
    assert.ok(!page.includes('\u0007'));
    assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
  });

  it('leaves out what is not known', async () => {
    const { eval: _, ...report } = content.report;
    const page = await quantizationPage({
      ...content,
      report: { ...report, mode: 'float16', warnings: [], input: { ...report.input, scale: null, zeroPoint: null } },
      details: { tensors: [], perClass: [], worst: [], errorHistogram: null },
    });
    assert.match(page, /Nothing to warn of/);
    assert.doesNotMatch(page, /agreement|<svg|Classes|All ranges|Edge TPU/);
  });

  it('holds a model of thousands of layers', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => tensor(`layer${index}`, 20 + (index % 50)));
    const page = await quantizationPage({ ...content, details: { ...content.details, tensors: many } });
    assert.match(page.replace(/\s+/g, ' '), /The 60 lowest; 2940 better ones are left out here/);
    assert.match(page.replace(/\s+/g, ' '), /1000 more are in report\.json/);
  });
});
