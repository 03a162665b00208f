import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExplainRolloutResponse, RolloutPhase } from '@atoll/proto/atoll/v1/rollout';
import { explanationText } from './rollout-orders.js';

test('explanationText: where it stands, what it waits for, what is next, with what numbers, and what one can do', () => {
  const said = ExplainRolloutResponse.fromPartial({
    rollout: {
      spec: { name: 'photos-v2' },
      phase: RolloutPhase.ROLLOUT_PHASE_PAUSED,
      reason: 'WaitingForApproval',
      message: 'wave 2 waits for approval',
      blockedOn: ['approval'],
    },
    waits: [{ kind: 'approval', message: 'wave 2 waits for approval', sinceUnixMs: 1_000n, untilUnixMs: 2_000n }],
    next: ['wave 2 of 3 begins'],
    evidence: ['failures: 0 of 1'],
    verbs: ['promote photos-v2', 'abort photos-v2'],
  });
  assert.deepEqual(explanationText(said).split('\n'), [
    'photos-v2: Paused  WaitingForApproval: wave 2 waits for approval',
    'waits for approval since 1970-01-01T00:00:01.000Z, until 1970-01-01T00:00:02.000Z: wave 2 waits for approval',
    'next: wave 2 of 3 begins',
    'failures: 0 of 1',
    'a person may: atoll rollout promote photos-v2, atoll rollout abort photos-v2',
  ]);
});
