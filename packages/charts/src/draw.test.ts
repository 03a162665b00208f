import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawSvg } from './draw.js';

test('drawSvg draws marks, and escapes the text that they show', async () => {
  const values = [
    { name: '<script>alert(1)</script>', size: 3 },
    { name: '"&\'', size: 4 },
  ];
  const svg = await drawSvg({
    data: { values },
    mark: 'bar',
    encoding: { x: { field: 'size', type: 'quantitative' }, y: { field: 'name', type: 'nominal' } },
  });
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.ok(svg.includes('&lt;script&gt;alert(1)&lt;/script&gt;') && !svg.includes('<script'), svg);
});
