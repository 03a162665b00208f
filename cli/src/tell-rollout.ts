import { AtollError } from '@atoll/base/error';
import type { Rollout } from '@atoll/proto/atoll/v1/rollout';
import type { Context } from './context.js';
import { rolloutDocument, rolloutLine } from './rollout-text.js';

/** Gives a rollout as a verb's result. */
export function tellRollout(context: Context, rollout: Rollout | undefined): void {
  if (rollout === undefined) throw new AtollError('INTERNAL', 'cannot show the rollout: the controller gave none');
  context.result(rolloutDocument(rollout), rolloutLine(rollout));
}
