import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@atoll/base/clock';
import { AtollError, isAtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { JobState } from '@atoll/proto/atoll/v1/job';
import { type JobContext, JobTable } from './job-table.js';

const table = (maxRunning = 1, maxQueued = 1): JobTable<string> =>
  new JobTable({ maxRunning, maxQueued, maxFinished: 10, clock: systemClock, log: silentLogger });

const untilAborted = ({ signal }: JobContext<string>): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));

test('watch gives all events from any offset and ends with the job', async () => {
  const jobs = table();
  const job = jobs.start(async ({ emit }) => {
    for (const word of ['a', 'b', 'c']) emit(word);
    return [{ name: 'out', sha256: '0'.repeat(64), sizeBytes: 1n }];
  });
  const seen: string[] = [];
  for await (const { event } of jobs.watch(job.id, 1, new AbortController().signal)) seen.push(event);
  assert.deepEqual(seen, ['b', 'c']);
  assert.equal(jobs.get(job.id).state, JobState.JOB_STATE_SUCCEEDED);
  assert.equal(jobs.get(job.id).artifacts[0]?.name, 'out');
});

test('start refuses a job beyond the queue and runs the waiting one when a place is free', async () => {
  const jobs = table();
  const first = jobs.start(untilAborted);
  const second = jobs.start(async () => []);
  assert.equal(jobs.get(second.id).state, JobState.JOB_STATE_QUEUED);
  assert.throws(
    () => jobs.start(async () => []),
    (error) => isAtollError(error, 'RESOURCE_EXHAUSTED'),
  );
  jobs.cancel(first.id);
  await eventually(() => assert.equal(jobs.get(second.id).state, JobState.JOB_STATE_SUCCEEDED));
  assert.equal(jobs.get(first.id).state, JobState.JOB_STATE_CANCELLED);
});

test('a failed job tells code and message, an unknown error only the fixed text', async () => {
  const jobs = table(2, 2);
  const known = jobs.start(async () => {
    throw new AtollError('INVALID_ARGUMENT', 'cannot do x: because');
  });
  const unknown = jobs.start(async () => {
    throw new Error('secret');
  });
  await eventually(() => {
    assert.deepEqual(jobs.get(known.id).error, { code: 'INVALID_ARGUMENT', message: 'cannot do x: because' });
    assert.equal(jobs.get(unknown.id).error?.message.includes('secret'), false);
  });
});

test('stop cancels what runs and waits, and refuses what comes after', async () => {
  const jobs = table(1, 4);
  const running = jobs.start(untilAborted);
  const waiting = jobs.start(async () => []);
  await jobs.stop();
  for (const { id } of [running, waiting]) assert.equal(jobs.get(id).state, JobState.JOB_STATE_CANCELLED);
  assert.throws(
    () => jobs.start(async () => []),
    (error) => isAtollError(error, 'UNAVAILABLE'),
  );
});

test('startSucceeded gives a job that has ended well, with its events, while others wait', async () => {
  const jobs = table();
  const busy = jobs.start(untilAborted);
  const job = jobs.startSucceeded(['kept'], [{ name: 'out', sha256: '0'.repeat(64), sizeBytes: 1n }]);
  assert.equal(job.state, JobState.JOB_STATE_SUCCEEDED);
  assert.equal(job.artifacts[0]?.name, 'out');
  const seen: string[] = [];
  for await (const { event } of jobs.watch(job.id, 0, new AbortController().signal)) seen.push(event);
  assert.deepEqual(seen, ['kept']);
  jobs.cancel(busy.id);
  await jobs.stop();
  assert.throws(
    () => jobs.startSucceeded([], []),
    (error) => isAtollError(error, 'UNAVAILABLE'),
  );
});

test('of finished jobs those that ended last are remembered, however long ago they began', async () => {
  const jobs = table(1, 1);
  let finish = (): void => undefined;
  const long = jobs.start(() => new Promise((resolve) => (finish = () => resolve([]))));
  const short = Array.from({ length: 10 }, () => jobs.startSucceeded([], []));
  finish();
  await eventually(() => assert.equal(jobs.get(long.id).state, JobState.JOB_STATE_SUCCEEDED));
  assert.throws(
    () => jobs.get(short[0]?.id ?? ''),
    (error) => isAtollError(error, 'NOT_FOUND'),
  );
  assert.equal(jobs.get(short.at(-1)?.id ?? '').state, JobState.JOB_STATE_SUCCEEDED);
});
