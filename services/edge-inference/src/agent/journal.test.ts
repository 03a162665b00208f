import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CuttableDisk } from './cuttable-disk-for-tests.js';
import { type AgentState, emptyState, type ModelRef } from './decide.js';
import { openJournal } from './journal.js';
import { stateFromText, stateToText } from './journal-text.js';

const ref = (version: bigint): ModelRef => ({
  model: 'm',
  version,
  manifestSha256: String(version).repeat(64).slice(0, 64),
});
const soak = { durationMs: 1, minRequests: 0, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs: 0 };
const order = {
  generation: 2n ** 60n,
  rollout: 'r',
  target: ref(2n),
  downgradeOk: true,
  attempt: 3,
  notBeforeMs: 4,
  expiresMs: 5,
  soak,
};
const full: AgentState = {
  phase: 'SOAKING',
  active: ref(1n),
  previous: ref(3n),
  candidate: ref(2n),
  assignment: order,
  lastGeneration: order.generation,
  lastPayloadSha256: 'p',
  lastSignedMs: 1.7e12,
  floors: { m: 1n },
  bootCount: 1,
  reason: { code: 'X', message: 'y' },
  denied: [{ manifestSha256: ref(9n).manifestSha256, attempt: 2, code: 'TOO_SLOW' }],
  baseline: { requests: 10, errors: 1, crashes: 0, p50Ms: 2.5, p99Ms: 9 },
};

describe('journal', () => {
  test('stateFromText gives back what stateToText wrote, absent parts too', () => {
    for (const state of [full, emptyState, { ...full, reason: undefined, candidate: undefined }]) {
      assert.deepEqual(stateFromText(stateToText(state)), state);
    }
  });

  test('stateFromText reads what a node wrote before attempts, times and denials were known', () => {
    const { assignment, denied: _denied, baseline: _baseline, ...before } = full;
    const { attempt: _attempt, notBeforeMs: _notBefore, expiresMs: _expires, ...heard } = assignment ?? order;
    const text = stateToText({ ...before, assignment: heard } as AgentState);
    assert.ok(!text.includes('denied') && !text.includes('expiresMs'));
    assert.deepEqual(stateFromText(text), {
      ...full,
      assignment: { ...heard, attempt: 0, notBeforeMs: 0, expiresMs: 0 },
      denied: [],
      baseline: undefined,
    });
  });

  test('stateFromText refuses what a node did not write, and names the part', () => {
    const text = stateToText(full);
    const changes: [RegExp | string, string, RegExp][] = [
      ['"SOAKING"', '"DANCING"', /phase/],
      ['"format": 1', '"format": 2', /format/],
      [/"lastGeneration": "\d+"/, '"lastGeneration": -1', /lastGeneration/],
      ['"bootCount": 1', '"bootCount": "1"', /bootCount/],
      ['"durationMs": 1', '"durationMs": null', /durationMs/],
      [/"attempt": 2/, '"attempt": "2"', /attempt/],
      [/"denied": \[/, '"denied": 1, "x": [', /denied/],
      [/"version": "1"/, '"version": "x"', /version/],
      [text, '[]', /journal/],
    ];
    for (const [from, to, message] of changes) {
      const changed = text.replace(from, to);
      assert.notEqual(changed, text);
      assert.throws(() => stateFromText(changed), message);
    }
  });

  test('a file: written whole, read again, nothing beside it; a damaged or endless one is DATA_LOSS', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-journal-'));
    t.after(() => rm(folder, { recursive: true }));
    assert.deepEqual(openJournal(folder).state, emptyState);
    openJournal(folder).write(full);
    assert.deepEqual(openJournal(folder).state, full);
    assert.deepEqual(await readdir(folder), ['journal.json']);
    for (const text of [stateToText(full).slice(0, 100), '', ' '.repeat(300_000)]) {
      await writeFile(join(folder, 'journal.json'), text);
      assert.throws(() => openJournal(folder), { code: 'DATA_LOSS' });
    }
  });

  test('a disk that refuses leaves the state as it was and says so', () => {
    const disk = new CuttableDisk(4);
    const journal = openJournal('/j', disk);
    journal.write(full);
    assert.throws(() => journal.write(emptyState), { code: 'FAILED_PRECONDITION' });
    assert.deepEqual(journal.state, full);
  });
});
