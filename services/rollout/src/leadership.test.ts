import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '@atoll/base/eventually';
import { openDatabase } from '@atoll/database/database';
import { firstBreak } from '@atoll/release/audit-chain';
import { migrations } from './state/migrations.js';
import { databaseStores, type DurableStores } from './state/stores.js';

const leaseMs = 1_000;
const program = fileURLToPath(new URL('./leader-process-for-tests.js', import.meta.url));

/** Two processes over one database. */
class Two {
  readonly stores: DurableStores;
  readonly said = { a: '', b: '' };
  readonly a: ChildProcess;
  #b: ChildProcess | undefined;
  readonly #path: string;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'atoll-lease-'));
    this.#path = join(folder, 'rollout.sqlite');
    const db = openDatabase(this.#path, migrations, { shared: true });
    db.all(() => undefined, 'PRAGMA busy_timeout = 50');
    this.stores = databaseStores(db);
    this.a = this.#start('a');
    t.after(async () => {
      for (const child of [this.a, this.#b]) {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      db.close();
      rmSync(folder, { recursive: true });
    });
  }

  startSecond(): void {
    this.#b = this.#start('b');
  }

  says(who: 'a' | 'b', what: RegExp): Promise<void> {
    return eventually(() => assert.match(this.said[who], what));
  }

  /** Stops the first as a machine may at any moment but one: within a transaction it would keep the database locked. */
  async standStill(): Promise<void> {
    await eventually(async () => {
      const before = this.writers().length;
      await eventually(() => assert.ok(this.writers().length > before), 2_000);
      this.a.kill('SIGSTOP');
      try {
        this.stores.transaction(() => undefined);
      } catch (error) {
        this.a.kill('SIGCONT');
        throw error;
      }
    });
  }

  writers(): string[] {
    return this.stores.events.list(0n, 10_000).map(({ actor }) => actor);
  }

  #start(who: 'a' | 'b'): ChildProcess {
    const child = spawn(process.execPath, [program, this.#path, who, String(leaseMs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      this.said[who] += chunk.toString('utf8');
    });
    return child;
  }
}

/** Each writer's events lie together, and the chain over all of them is whole. */
function assertOrderly(two: Two): void {
  const turns = two.writers().filter((actor, index, all) => actor !== all[index - 1]);
  assert.deepEqual(turns, ['a', 'b']);
  assert.equal(firstBreak(two.stores.events.list(0n, 10_000)), undefined);
}

test('a leader that is killed: the other process leads once the lease has run out', { timeout: 30_000 }, async (t) => {
  const two = new Two(t);
  await two.says('a', /a leads$/m);
  two.startSecond();
  await eventually(() => assert.ok(two.writers().length > 3));
  await two.says('b', /stands by/);
  assert.doesNotMatch(two.said.b, /b leads$/m);
  two.a.kill('SIGKILL');
  await two.says('b', /b leads$/m);
  await eventually(() => assert.ok(two.writers().includes('b')));
  assertOrderly(two);
});

test(
  'a leader that stands still beyond its lease: the other leads, and what the first writes when it wakes is refused',
  { timeout: 30_000 },
  async (t) => {
    const two = new Two(t);
    await two.says('a', /a leads$/m);
    two.startSecond();
    await two.says('b', /stands by/);
    await two.standStill();
    await two.says('b', /b leads$/m);
    await eventually(() => assert.ok(two.writers().includes('b')));
    two.a.kill('SIGCONT');
    await two.says('a', /a refused: cannot write: controller b leads now/);
    await two.says('a', /a resigned/);
    const before = two.writers().length;
    await eventually(() => assert.ok(two.writers().length > before + 3));
    assertOrderly(two);
  },
);
