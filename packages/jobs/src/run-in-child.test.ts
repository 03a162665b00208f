import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { type ChildOptions, runInChild } from './run-in-child.js';
import type { TestInput } from './child-for-tests.js';

const run = (input: TestInput, options: Partial<ChildOptions<TestInput, string>> = {}): Promise<string> =>
  runInChild<TestInput, string, string>({
    entry: new URL('./child-for-tests.js', import.meta.url),
    input,
    onEvent: () => undefined,
    signal: new AbortController().signal,
    graceMs: 500,
    env: process.env,
    log: silentLogger,
    ...options,
  });

test('runInChild gives events in order and the output', async () => {
  const events: string[] = [];
  assert.equal(await run({ behave: 'echo', text: 'hello' }, { onEvent: (event) => events.push(event) }), 'hello');
  assert.deepEqual(events, ['h', 'e', 'l', 'l', 'o']);
});

test('runInChild passes on an AtollError of the child', async () => {
  await assert.rejects(run({ behave: 'refuse', text: 'cannot x: y' }), (error) => {
    return isAtollError(error, 'INVALID_ARGUMENT') && error.message === 'cannot x: y';
  });
});

const deaths: readonly (readonly [signal: string, message: string])[] = [
  ['SIGKILL', 'signal SIGKILL, as the system does when memory runs out'],
  ['SIGSEGV', 'signal SIGSEGV, a crash inside a native library'],
  ['SIGFPE', 'signal SIGFPE, a crash inside a native library'],
];
for (const [signal, words] of deaths) {
  test(`runInChild tells of a child that dies by ${signal} in one line, and the next child runs`, async () => {
    await assert.rejects(run({ behave: 'die', text: signal }), (error) => {
      return (
        isAtollError(error, 'INTERNAL') &&
        error.message === `cannot finish the job: its process ended early with ${words}`
      );
    });
    assert.equal(await run({ behave: 'echo', text: 'still here' }), 'still here');
  });
}

test('runInChild tells the last words of a child that gives up', async () => {
  await assert.rejects(
    run({ behave: 'abort', text: 'FATAL ERROR: heap out of memory' }),
    (error) =>
      isAtollError(error, 'INTERNAL') &&
      /^cannot finish the job: its process ended early with signal SIGABRT, by an engine or native library that gave up: [^\n]+$/.test(
        error.message,
      ),
  );
});

test('runInChild does not give what a native library tells of itself as the reason of an end', async () => {
  await assert.rejects(run({ behave: 'die after words', text: 'INFO: Created a delegate' }), (error) => {
    return isAtollError(error, 'INTERNAL') && error.message.endsWith('as the system does when memory runs out');
  });
});

test('runInChild kills a child that ignores the request to end, after the grace', async () => {
  const controller = new AbortController();
  const ended = run(
    { behave: 'hang', text: '' },
    { signal: controller.signal, onEvent: () => controller.abort(), graceMs: 50 },
  );
  await assert.rejects(ended, /abort/i);
});
