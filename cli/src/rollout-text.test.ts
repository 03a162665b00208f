import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rollout, RolloutPhase } from '@atoll/proto/atoll/v1/rollout';
import { isFinal, phaseOf, rolloutDocument, rolloutLine } from './rollout-text.js';

const counts = { pending: 1, inFlight: 0, committed: 2, failed: 0, rolledBack: 0, timedOut: 0, offline: 0 };
const rollout = (change: Partial<Rollout> = {}): Rollout => ({
  ...Rollout.fromPartial({
    spec: { name: 'photos-v2', model: 'photos', version: 2n, waves: ['1', '100%'], maxFailureRate: 0.05 },
    phase: RolloutPhase.ROLLOUT_PHASE_PROGRESSING,
    wave: 1,
    waves: [{ number: 1, nodeIds: ['node-1'], counts, size: 1 }],
    counts,
    reason: 'WaitingForWave',
    message: 'wave 1 waits',
    blockedOn: ['node-1'],
    createdUnixMs: 1n,
    updatedUnixMs: 1n,
    sinceUnixMs: 1_000n,
  }),
  ...change,
});

test('phaseOf and isFinal know every phase of the contract', () => {
  const phases = Object.values(RolloutPhase).filter((phase) => phase > 0);
  const words = phases.map((phase) => phaseOf(rollout({ phase })));
  assert.deepEqual(words, ['Pending', 'Progressing', 'Paused', 'Aborted', 'Reverting', 'Reverted', 'Complete']);
  const final = phases.filter((phase) => isFinal(rollout({ phase }))).map((phase) => phaseOf(rollout({ phase })));
  assert.deepEqual(final, ['Aborted', 'Reverted', 'Complete']);
});

test('rolloutDocument has the fields that scripts rely on', () => {
  assert.deepEqual(rolloutDocument(rollout()), {
    name: 'photos-v2',
    model: 'photos',
    version: 2n,
    phase: 'Progressing',
    wave: 1,
    waves: [{ number: 1, nodes: ['node-1'], size: 1, counts, evidence: '' }],
    counts,
    reason: 'WaitingForWave',
    message: 'wave 1 waits',
    blockedOn: ['node-1'],
    since: '1970-01-01T00:00:01.000Z',
    promotedWave: 0,
    promotedFull: false,
  });
});

test('rolloutLine tells phase, wave, counts, why and what it waits for', () => {
  assert.equal(
    rolloutLine(rollout()),
    'photos-v2: Progressing  wave 1/1  2 committed, 1 pending  WaitingForWave: wave 1 waits  waits for node-1',
  );
});
