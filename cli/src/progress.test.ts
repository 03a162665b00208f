import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress, describeStep, duration } from './progress.js';

function recorded(columns: number | undefined) {
  const state = { text: '', nowMs: 0 };
  const progress = createProgress({ write: (text) => void (state.text += text), columns, nowMs: () => state.nowMs });
  return { state, progress };
}

test('describeStep tells count, rate and time left once they are known', () => {
  const step = { label: 'calibrate', done: 50, total: 100, unit: 'photos' };
  assert.equal(describeStep(step, { seconds: 0, startedAt: 0 }), 'calibrate  50/100 photos');
  assert.equal(describeStep(step, { seconds: 5, startedAt: 0 }), 'calibrate  50/100 photos  10 photos/s  5 s left');
  assert.equal(
    describeStep({ ...step, total: 0, note: 'loss 1' }, { seconds: 0, startedAt: 0 }),
    'calibrate  50 photos  loss 1',
  );
});

test('createProgress writes plain lines at most every 5 s where there is no terminal', () => {
  const { state, progress } = recorded(undefined);
  for (let done = 1; done <= 60; done++) {
    state.nowMs = done * 100;
    progress.step({ label: 'reading', done, total: 60, unit: 'photos' });
  }
  assert.deepEqual(
    state.text.split('\n').map((line) => line.slice(0, 14)),
    ['reading  1/60 ', 'reading  51/60', ''],
  );
});

test('createProgress draws one bar on a terminal and wipes it for a line that stays', () => {
  const { state, progress } = recorded(80);
  progress.step({ label: 'reading', done: 30, total: 60, unit: 'photos' });
  assert.equal(state.text, '\r[##########----------] reading  30/60 photos');
  state.text = '';
  progress.line('done');
  assert.equal(state.text, `\r${' '.repeat(44)}\rdone\n`);
});

test('duration is for people', () => {
  assert.deepEqual([0.4, 59, 60, 185].map(duration), ['0 s', '59 s', '1 min 00 s', '3 min 05 s']);
});
