import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CuttableDisk, PowerCut } from './cuttable-disk-for-tests.js';
import { type AgentState, atStart, emptyState, type ModelRef } from './decide.js';
import { diskFailureCode } from './disk-failure.js';
import type { Delivery } from './inbox.js';
import { type Journal, openJournal } from './journal.js';
import { createMachine, longestWaitMs, type Machine, retryEveryMs, type Work, type WorkEnd } from './machine.js';

const ref = (version: bigint, model = 'm'): ModelRef => ({
  model,
  version,
  manifestSha256: `${model}${version}`.repeat(64).slice(0, 64),
});
const soak = { durationMs: 1, minRequests: 0, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs: 7 };
const delivery = (generation: bigint, target: ModelRef): Delivery => ({
  assignment: {
    generation,
    rollout: 'r',
    target,
    downgradeOk: true,
    attempt: 1,
    notBeforeMs: 0,
    expiresMs: 0,
    soak,
  },
  payloadSha256: `p${generation}`,
  signedMs: 1_000 * Number(generation),
});

/** What happens at a node, besides its own doing. */
interface Script {
  /** Desired states that are there from the start, in the order in which they come. */
  readonly told: readonly Delivery[];
  /** One more comes while this kind of work is under way for the first time. */
  readonly during?: { readonly kind: Work['kind']; readonly told: Delivery };
  /** Manifests that fail their soak. */
  readonly bad?: readonly ModelRef[];
}

/** A node without a network, a model or a clock: its work is done at once, as a script says. */
class ScriptedNode {
  readonly journal: Journal;
  readonly begun: string[] = [];
  readonly machine: Machine;
  serving: ModelRef | undefined;
  wakeMs: number | undefined;
  nowMs = 0;
  during: Script['during'];
  /** It swaps though it was aborted, as one that is at its end already. */
  hurry = false;
  refused = false;
  #work: Work | undefined;
  #aborted = false;
  #inbox: Delivery | undefined;
  readonly #script: Script;
  #disturbed = false;

  constructor(disk: CuttableDisk, script: Script, journalOf: (journal: Journal) => Journal = (journal) => journal) {
    this.#script = script;
    this.during = script.during;
    this.journal = journalOf(openJournal('/j', disk));
    this.journal.write(atStart(this.journal.state));
    this.serving = this.journal.state.active;
    this.machine = createMachine({
      journal: this.journal,
      inbox: {
        take: (use) => {
          if (this.#inbox === undefined) return false;
          use(this.#inbox);
          this.#inbox = undefined;
          return true;
        },
      },
      clock: { nowMs: () => this.nowMs, heard: () => undefined },
      serves: (one) => this.serving?.manifestSha256 === one.manifestSha256,
      begin: (work) => {
        assert.equal(this.#work, undefined, 'one piece of work at a time');
        this.#work = work;
        this.#aborted = false;
        this.begun.push(work.kind);
      },
      abort: () => (this.#aborted = true),
      wakeAfter: (ms) => (this.wakeMs = ms),
      monotonicMs: () => 0,
      onState: () => undefined,
      onFailure: (error) => {
        if (error instanceof Error && error.cause instanceof PowerCut) throw error;
      },
    });
  }

  hear(told: Delivery): void {
    if (told.assignment.generation <= this.journal.state.lastGeneration) return;
    this.#inbox = told;
    this.machine.newer();
  }

  /** Does what there is to do until nothing is. */
  run(): AgentState {
    for (const told of this.#script.told) this.hear(told);
    this.machine.start();
    this.finish();
    return this.journal.state;
  }

  finish(): void {
    for (let work = this.#work; work !== undefined; work = this.#work) {
      const { during } = this;
      if (during?.kind === work.kind && !this.#disturbed) {
        this.#disturbed = true;
        this.hear(during.told);
      }
      const end = this.#do(work);
      this.#work = undefined;
      this.machine.ended(end);
    }
  }

  #do(work: Work): WorkEnd {
    const outcome = (one: Extract<WorkEnd, { kind: 'outcome' }>['outcome']): WorkEnd => ({
      kind: 'outcome',
      outcome: one,
    });
    switch (work.kind) {
      case 'fetch':
        return this.#aborted ? { kind: 'nothing' } : outcome({ kind: 'fetched' });
      case 'activate':
        if (this.#aborted && !this.hurry) return outcome({ kind: 'abandoned' });
        try {
          this.machine.step({ kind: 'swapping' });
        } catch (error) {
          if (error instanceof Error && error.cause instanceof PowerCut) throw error;
          this.refused = true;
          return this.#aborted
            ? outcome({ kind: 'abandoned' })
            : outcome({ kind: 'failed', reason: { code: diskFailureCode(error) ?? '', message: '' } });
        }
        this.serving = work.candidate;
        return outcome({ kind: 'activated' });
      case 'soak': {
        if (this.#aborted) return { kind: 'nothing' };
        const isBad = this.#script.bad?.some((one) => one.manifestSha256 === work.candidate.manifestSha256) === true;
        return outcome(
          isBad ? { kind: 'condemned', reason: { code: 'ERRORS', message: 'e' } } : { kind: 'passed', floor: 1n },
        );
      }
      case 'revert':
        this.serving = work.state.active;
        return outcome({ kind: 'reverted' });
      case 'restore':
        this.serving = work.active;
        return { kind: 'nothing' };
      case 'retire':
        return { kind: 'nothing' };
    }
  }
}

/** A disk of a node that committed version 1. */
function committedOne(): CuttableDisk {
  const disk = new CuttableDisk(Number.POSITIVE_INFINITY);
  openJournal('/j', disk).write({ ...emptyState, active: ref(1n), lastGeneration: 1n, lastPayloadSha256: 'p1' });
  return disk;
}

interface Path {
  readonly name: string;
  readonly script: Script;
  readonly begun: string;
  readonly ends: { readonly phase: AgentState['phase']; readonly active: ModelRef };
}

const paths: readonly Path[] = [
  {
    name: 'a good release',
    script: { told: [delivery(2n, ref(2n))] },
    begun: 'fetch activate soak',
    ends: { phase: 'STEADY', active: ref(2n) },
  },
  {
    name: 'a release that fails its soak',
    script: { told: [delivery(2n, ref(2n))], bad: [ref(2n)] },
    begun: 'fetch activate soak revert',
    ends: { phase: 'ROLLED_BACK', active: ref(1n) },
  },
  {
    name: 'a release of another model',
    script: { told: [delivery(2n, ref(5n, 'other'))] },
    begun: 'fetch activate soak retire',
    ends: { phase: 'STEADY', active: ref(5n, 'other') },
  },
  {
    name: 'a newer one while the first is fetched: the first never serves',
    script: { told: [delivery(2n, ref(2n))], during: { kind: 'fetch', told: delivery(3n, ref(3n)) } },
    begun: 'fetch fetch activate soak',
    ends: { phase: 'STEADY', active: ref(3n) },
  },
  {
    name: 'a newer one while the first is tried: the first never serves',
    script: { told: [delivery(2n, ref(2n))], during: { kind: 'activate', told: delivery(3n, ref(3n)) } },
    begun: 'fetch activate fetch activate soak',
    ends: { phase: 'STEADY', active: ref(3n) },
  },
  {
    name: 'a newer one in the soak: the first is undone before it is followed',
    script: { told: [delivery(2n, ref(2n))], during: { kind: 'soak', told: delivery(3n, ref(3n)) } },
    begun: 'fetch activate soak revert fetch activate soak',
    ends: { phase: 'STEADY', active: ref(3n) },
  },
  {
    name: 'back to the version in service, in the soak of another',
    script: { told: [delivery(2n, ref(2n))], during: { kind: 'soak', told: delivery(3n, ref(1n)) } },
    begun: 'fetch activate soak revert',
    ends: { phase: 'STEADY', active: ref(1n) },
  },
  {
    name: 'a newer one in a revert: the revert is finished first',
    script: {
      told: [delivery(2n, ref(2n))],
      bad: [ref(2n)],
      during: { kind: 'revert', told: delivery(3n, ref(3n)) },
    },
    begun: 'fetch activate soak revert fetch activate soak',
    ends: { phase: 'STEADY', active: ref(3n) },
  },
];

describe('the machine of an agent', () => {
  for (const { name, script, begun, ends } of paths) {
    test(name, () => {
      const node = new ScriptedNode(committedOne(), script);
      const { phase, active } = node.run();
      assert.equal(node.begun.join(' '), begun);
      assert.deepEqual({ phase, active }, ends);
      assert.deepEqual(node.serving, ends.active);
    });
  }

  /** A journal whose disk is full while `isFull` says so of the state that is to be written. */
  const fullWhen =
    (isFull: (state: AgentState) => boolean) =>
    (real: Journal): Journal => ({
      get state() {
        return real.state;
      },
      write(state) {
        if (isFull(state)) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        real.write(state);
      },
    });

  for (const phase of ['DOWNLOADING', 'SELFTEST', 'SWAPPING'] as const) {
    test(`a disk that is full where ${phase} is to be written: FAILED with NO_SPACE, told at once and written later, the version in service untouched`, () => {
      let full = false;
      let reached = false;
      const journalOf = fullWhen((state) => {
        if (!reached && state.phase === phase) reached = full = true;
        return full;
      });
      const node = new ScriptedNode(committedOne(), { told: [delivery(2n, ref(2n))] }, journalOf);
      node.run();
      const told = node.machine.state;
      assert.deepEqual([told.phase, told.reason?.code, told.lastGeneration], ['FAILED', 'NO_SPACE', 2n]);
      assert.deepEqual([told.active, node.serving, node.machine.unwritten], [ref(1n), ref(1n), true]);
      assert.equal(node.wakeMs, retryEveryMs);
      full = false;
      const begun = node.begun.length;
      node.machine.woken();
      assert.equal(node.begun.length, begun, 'what was told as failed is not begun again');
      assert.deepEqual([node.journal.state, node.machine.unwritten], [told, false]);
      node.hear(delivery(3n, ref(2n)));
      node.finish();
      assert.deepEqual(node.machine.state.active, ref(2n));
    });
  }

  test('a disk that is full at the commit: the candidate stays on trial until the commit is written', () => {
    let full = true;
    const journalOf = fullWhen((state) => full && state.active?.version === 2n);
    const node = new ScriptedNode(committedOne(), { told: [delivery(2n, ref(2n))] }, journalOf);
    node.run();
    assert.deepEqual([node.machine.state.phase, node.machine.state.active], ['SOAKING', ref(1n)]);
    full = false;
    node.machine.woken();
    node.finish();
    assert.deepEqual([node.machine.state.phase, node.machine.state.active], ['STEADY', ref(2n)]);
  });

  test('no swap begins once a newer state came, though the trial was at its end', () => {
    const node = new ScriptedNode(committedOne(), { told: [] });
    node.hurry = true;
    node.run();
    node.during = { kind: 'activate', told: delivery(3n, ref(1n)) };
    node.hear(delivery(2n, ref(2n)));
    node.finish();
    assert.deepEqual([node.refused, node.serving, node.machine.state.phase], [true, ref(1n), 'STEADY']);
  });

  test('a state that is not to begin yet is taken up and waited for, looked at again within a minute', () => {
    const node = new ScriptedNode(committedOne(), { told: [] });
    node.run();
    const { assignment, ...rest } = delivery(2n, ref(2n));
    node.hear({ ...rest, assignment: { ...assignment, notBeforeMs: 200_000 } });
    assert.deepEqual([node.begun, node.machine.state.phase, node.wakeMs], [[], 'ASSIGNED', longestWaitMs]);
    node.nowMs = 190_000;
    node.machine.woken();
    assert.deepEqual([node.begun, node.wakeMs], [[], 10_000]);
    node.nowMs = 200_000;
    node.machine.woken();
    node.finish();
    assert.deepEqual([node.machine.state.phase, node.serving], ['STEADY', ref(2n)]);
  });

  test('a committed release that does not serve is restored, and not again before its time', () => {
    const node = new ScriptedNode(committedOne(), { told: [] });
    node.serving = undefined;
    node.run();
    assert.deepEqual([node.begun, node.serving], [['restore'], ref(1n)]);
    node.serving = undefined;
    node.machine.woken();
    assert.deepEqual(node.begun, ['restore']);
  });

  test('after stop() nothing is begun; an end in a soak that was asked for counts nothing against the candidate', () => {
    const node = new ScriptedNode(committedOne(), { told: [delivery(2n, ref(2n))] });
    const soaking = { ...node.journal.state, phase: 'SOAKING', candidate: ref(2n) } as const;
    node.journal.write(soaking);
    node.machine.stop();
    node.run();
    assert.deepEqual(node.begun, []);
    node.machine.close();
    assert.equal(node.journal.state.phase, 'ASSIGNED');
  });
});

describe('a power cut at every operation of every journal write', () => {
  const isCut = (error: unknown): boolean =>
    error instanceof PowerCut || (error instanceof Error && error.cause instanceof PowerCut);

  for (const { name, script, ends } of paths) {
    test(`${name}: the restart has a committed release, and ends where an undisturbed node ends`, () => {
      const whole = committedOne();
      const before = whole.operations;
      new ScriptedNode(whole, script).run();
      const operations = whole.operations - before;
      assert.ok(operations > 20, `only ${operations} operations were cut at`);
      for (let cut = 0; cut < operations; cut++) {
        const disk = committedOne();
        disk.allow(cut);
        assert.throws(() => new ScriptedNode(disk, script).run(), isCut);
        const found = openJournal('/j', disk).state;
        assert.ok(
          [ref(1n), ends.active].some((one) => one.manifestSha256 === found.active?.manifestSha256),
          `cut ${cut}: ${found.active?.manifestSha256}`,
        );
        disk.allow(Number.POSITIVE_INFINITY);
        // What came before the cut comes again, and so does what would have come after it.
        const again = {
          ...script,
          told: [...script.told, ...(script.during === undefined ? [] : [script.during.told])],
        };
        const node = new ScriptedNode(disk, again);
        const { phase, active, lastGeneration } = node.run();
        assert.deepEqual({ phase, active }, ends, `cut ${cut}`);
        assert.deepEqual(node.serving, ends.active, `cut ${cut}`);
        assert.equal(lastGeneration, again.told.at(-1)?.assignment.generation, `cut ${cut}`);
      }
    });
  }
});
