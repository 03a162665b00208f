import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AtollError, isAtollError } from '@atoll/base/error';
import { type Job, JobState } from '@atoll/proto/atoll/v1/job';
import { type Ended, followJob } from './follow-job.js';

type Event = { readonly $case: 'progress'; readonly value: number } | Ended;

const job: Job = {
  id: 'j',
  state: JobState.JOB_STATE_SUCCEEDED,
  createdUnixMs: 1n,
  endedUnixMs: 2n,
  error: undefined,
  artifacts: [],
  nextOffset: 3n,
};
const progress = (value: number): Event => ({ $case: 'progress', value });
const ended = (change: Partial<Job> = {}): Event => ({ $case: 'ended', value: { ...job, ...change } });

/** A service whose log is `events` and whose stream breaks before each offset of `breaks`, once. */
function service(events: readonly Event[], breaks: readonly number[]) {
  const left = [...breaks];
  const state = { asked: [] as bigint[], cancelled: 0 };
  return {
    state,
    async *watch(from: bigint) {
      state.asked.push(from);
      for (const [offset, event] of events.entries()) {
        if (BigInt(offset) < from) continue;
        const at = left.indexOf(offset);
        if (at >= 0) {
          left.splice(at, 1);
          throw new AtollError('UNAVAILABLE', 'the connection is gone');
        }
        yield { offset: BigInt(offset), event };
      }
    },
    cancel: () => Promise.resolve(++state.cancelled),
  };
}

const { signal } = new AbortController();

test('followJob resumes behind the last event that it has seen, and tells each once', async () => {
  const calls = service([progress(1), progress(2), progress(3), ended()], [1, 3]);
  const seen: number[] = [];
  assert.equal((await followJob<Event>(calls, ({ value }) => seen.push(value), signal)).id, 'j');
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(calls.state.asked, [0n, 1n, 3n]);
});

test("followJob throws the job's own error", async () => {
  const error = { code: 'INVALID_ARGUMENT', message: 'cannot train: one class' };
  const calls = service([ended({ state: JobState.JOB_STATE_FAILED, error })], []);
  await assert.rejects(
    followJob<Event>(calls, () => undefined, signal),
    (thrown) => isAtollError(thrown, 'INVALID_ARGUMENT') && thrown.message === error.message,
  );
});

test('followJob gives up a service that is gone for good', async () => {
  const calls = service([progress(1)], [0, 0, 0, 0, 0, 0]);
  await assert.rejects(
    followJob<Event>(calls, () => undefined, signal),
    (thrown) => isAtollError(thrown, 'UNAVAILABLE'),
  );
  assert.equal(calls.state.cancelled, 0);
});

test('followJob cancels the job when it is aborted', async () => {
  const controller = new AbortController();
  const calls = service([progress(1), progress(2)], [1]);
  await assert.rejects(followJob<Event>(calls, () => controller.abort(), controller.signal));
  assert.equal(calls.state.cancelled, 1);
});
