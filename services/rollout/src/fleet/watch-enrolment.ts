import { stat } from 'node:fs/promises';
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { type EnrolledNode, readEnrolment } from './enrolment.js';

/** How often the file is looked at, milliseconds. */
const everyMs = 1_000;

/**
 * Reads the nodes' file again whenever it has changed, and tells of the fleet that it names. A file that cannot be read changes
 * nothing, and is told of once. A look costs one stat.
 */
export function watchEnrolment(
  path: string,
  enrolled: readonly EnrolledNode[],
  log: Logger,
  onChange: (enrolled: readonly EnrolledNode[]) => void,
): { stop(): void } {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  // Unknown, so that a change since the first reading is not missed.
  let seen = '';
  let count = enrolled.length;

  const look = async (): Promise<void> => {
    let now = '';
    try {
      const { mtimeMs, size, ino } = await stat(path);
      now = `${mtimeMs} ${size} ${ino}`;
      if (now === seen || ended) return;
      const nodes = await readEnrolment(path);
      if (ended) return;
      onChange(nodes);
      if (seen !== '') log.info('the nodes were read again', { nodes: nodes.length, before: count });
      count = nodes.length;
    } catch (error) {
      if (now !== seen || now === '')
        log.error('cannot read the nodes again, they stay as they are', { reason: reasonOf(error) });
    }
    seen = now;
  };
  const again = (): void => {
    timer = setTimeout(() => void look().then(() => (ended ? undefined : again())), everyMs);
  };
  void look().then(again);
  return {
    stop: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}
