import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  advance,
  type AgentState,
  assign,
  atStart,
  emptyState,
  type ModelRef,
  nextAction,
  type Outcome,
} from './decide.js';
import { type JournalDisk, openJournal } from './journal.js';
import { stateFromText, stateToText } from './journal-text.js';

const ref = (version: bigint): ModelRef => ({
  model: 'm',
  version,
  manifestSha256: String(version).repeat(64).slice(0, 64),
});
const soak = { durationMs: 1, minRequests: 0, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs: 0 };
const order = { generation: 2n ** 60n, rollout: 'r', target: ref(2n), downgradeOk: true, soak };
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
};

class PowerCut extends Error {}

/** A disk in memory that keeps what was synced, loses what was not, and stops at a given operation. */
class CuttableDisk implements JournalDisk {
  /** What a restart finds. */
  readonly durable = new Map<string, string>();
  readonly #cached = new Map<string, string>();
  readonly #renames: [string, string][] = [];
  #left: number;
  operations = 0;

  constructor(operationsBeforeCut: number) {
    this.#left = operationsBeforeCut;
  }

  allow(operations: number): void {
    this.#left = operations;
    this.#cached.clear();
    this.#renames.length = 0;
    for (const [path, text] of this.durable) this.#cached.set(path, text);
  }

  read(path: string): string | undefined {
    return this.durable.get(path);
  }

  write(path: string, text: string): void {
    // A cut within a write leaves a part of it.
    if (this.#left === 0) this.durable.set(path, text.slice(0, text.length / 2));
    this.#spend();
    this.#cached.set(path, text);
  }

  sync(path: string): void {
    this.#spend();
    this.durable.set(path, this.#cached.get(path) ?? '');
  }

  rename(from: string, to: string): void {
    this.#spend();
    this.#cached.set(to, this.#cached.get(from) ?? '');
    this.#renames.push([from, to]);
  }

  syncFolder(): void {
    this.#spend();
    for (const [from, to] of this.#renames.splice(0)) {
      this.durable.set(to, this.durable.get(from) ?? '');
      this.durable.delete(from);
    }
  }

  #spend(): void {
    if (this.#left === 0) throw new PowerCut();
    this.#left--;
    this.operations++;
  }
}

describe('journal', () => {
  test('stateFromText gives back what stateToText wrote, absent parts too', () => {
    for (const state of [full, emptyState, { ...full, reason: undefined, candidate: undefined }]) {
      assert.deepEqual(stateFromText(stateToText(state)), state);
    }
  });

  test('stateFromText refuses what a node did not write, and names the part', () => {
    const text = stateToText(full);
    const changes: [RegExp | string, string, RegExp][] = [
      ['"SOAKING"', '"DANCING"', /phase/],
      ['"format": 1', '"format": 2', /format/],
      [/"lastGeneration": "\d+"/, '"lastGeneration": -1', /lastGeneration/],
      ['"bootCount": 1', '"bootCount": "1"', /bootCount/],
      ['"durationMs": 1', '"durationMs": null', /durationMs/],
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

describe('a power cut at every operation of every journal write', () => {
  const outcomes: Partial<Record<string, Outcome[]>> = {
    fetch: [{ kind: 'fetching' }, { kind: 'fetched' }],
    activate: [{ kind: 'swapping' }, { kind: 'activated' }],
    soak: [{ kind: 'passed', floor: 1n }],
    revert: [{ kind: 'reverted' }],
  };
  const condemning: typeof outcomes = {
    ...outcomes,
    soak: [{ kind: 'condemned', reason: { code: 'ERRORS', message: 'e' } }],
  };

  /** Runs a node from its journal until it waits; every write may be the last. */
  const runNode = (disk: CuttableDisk, script: typeof outcomes): AgentState => {
    const journal = openJournal('/j', disk);
    journal.write(atStart(journal.state));
    if (journal.state.lastGeneration === 1n) journal.write(assign(journal.state, { ...order, generation: 2n }, 'two'));
    for (let action = nextAction(journal.state); action.kind !== 'wait'; action = nextAction(journal.state)) {
      for (const outcome of script[action.kind] ?? []) journal.write(advance(journal.state, outcome));
    }
    return journal.state;
  };
  const begin = (): CuttableDisk => {
    const disk = new CuttableDisk(Number.POSITIVE_INFINITY);
    openJournal('/j', disk).write({ ...emptyState, active: ref(1n), lastGeneration: 1n, lastPayloadSha256: 'one' });
    return disk;
  };
  const total = (script: typeof outcomes): number => {
    const disk = begin();
    const before = disk.operations;
    runNode(disk, script);
    return disk.operations - before;
  };

  for (const [name, script, ends] of [
    ['a good release', outcomes, { phase: 'STEADY', active: ref(2n) }],
    ['a condemned release', condemning, { phase: 'ROLLED_BACK', active: ref(1n) }],
  ] as const) {
    test(`${name}: the restart has the old or the new committed release, and ends where an undisturbed node ends`, () => {
      const operations = total(script);
      assert.ok(operations > 20, `only ${operations} operations were cut at`);
      for (let cut = 0; cut < operations; cut++) {
        const disk = begin();
        disk.allow(cut);
        assert.throws(
          () => runNode(disk, script),
          (error: Error) => error instanceof PowerCut || error.cause instanceof PowerCut,
        );
        const found = openJournal('/j', disk).state;
        assert.ok(found.active?.version === 1n || found.active?.version === ends.active.version, `cut ${cut}`);
        assert.ok(found.lastGeneration === 1n || found.lastGeneration === 2n, `cut ${cut}`);
        disk.allow(Number.POSITIVE_INFINITY);
        const { phase, active } = runNode(disk, script);
        assert.deepEqual({ phase, active }, ends, `cut ${cut}`);
      }
    });
  }
});
