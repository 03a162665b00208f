import { type Sha256, sha256 } from '@atoll/base/digest';
import type { AskedTask } from '../job/messages.js';

/** Where things lie and how long they may take; what they hold is in the lineage. */
const places = new Set(['model', 'photos', 'evalPhotos', 'libraries', 'compiler', 'timeoutMs']);

/** The name of a task's result: two tasks have the same one only when they would do the same work on the same bytes. */
export function resultKey(task: AskedTask): Sha256 {
  const counted = Object.entries(task).filter(([name]) => !places.has(name));
  return sha256(JSON.stringify(counted.sort(([a], [b]) => (a < b ? -1 : 1))));
}
