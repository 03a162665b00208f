import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { builtinNames } from '@atoll/tflite/ops';
import { cautions } from './cautions.js';
import { mappingRules } from './rules.js';
import { rulesPage } from './rules-page.js';
import { refusedAbove, replacements, supportedOp, supportedOps } from './supported-ops.js';

const renew =
  "docs/edge-tpu.md is out of date; write it anew with: node -e \"import('@atoll/edgetpu/rules-page')" +
  ".then((page) => require('node:fs').writeFileSync('docs/edge-tpu.md', page.rulesPage()))\"";

describe('rulesPage', () => {
  it('is what stands in docs/edge-tpu.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/edge-tpu.md'), 'utf8');
    assert.ok(page === rulesPage(), renew);
  });
});

describe('the tables of the planner', () => {
  it('have each rule and caution once, every caution about a rule that is there', () => {
    const ids = [...mappingRules, ...cautions].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { about } of cautions)
      assert.ok(about === null || mappingRules.some(({ id }) => id === about), about ?? '');
  });

  it('speak of operators that there are: limits of those that map, replacements of those that do not, by those that do', () => {
    for (const { id, ops } of [...mappingRules, ...cautions]) {
      if (ops !== 'any') for (const op of ops) assert.ok(supportedOp(op) !== undefined, `${id}: ${op}`);
    }
    for (const op of [...Object.keys(supportedOps), ...Object.keys(replacements)]) {
      assert.ok(
        builtinNames.some((name) => name === op),
        op,
      );
    }
    for (const [op, other] of Object.entries(replacements)) {
      assert.equal(supportedOp(op), undefined, op);
      for (const [word] of other.matchAll(/\b[A-Z][A-Z0-9_]{2,}\b/g))
        assert.ok(supportedOp(word) !== undefined, `${op}: ${word}`);
    }
    for (const [op, version] of Object.entries(refusedAbove)) assert.equal(supportedOp(op)?.newestVersion, version, op);
  });
});
