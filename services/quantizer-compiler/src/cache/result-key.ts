import { type Sha256, sha256 } from '@atoll/base/digest';
import type { AskedTask } from '../job/messages.js';

/** Where things lie and how long they may take, and lists that follow from what the lineage names by digest. */
const uncounted = new Set(['model', 'photos', 'heldOut', 'evalPhotos', 'libraries', 'compiler', 'timeoutMs']);

/** The name of a task's result: two tasks have the same one only when they would do the same work on the same bytes. */
export function resultKey(task: AskedTask): Sha256 {
  const { lineage, ...rest } = task;
  const options = Object.entries(rest)
    .filter(([name]) => !uncounted.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([lineage, options]));
}
