import { errnoOf } from '@atoll/base/error';

/** No space, a quota that is used up, and a file system that only reads: a node has room for nothing more. */
const noSpace = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** The reason code of a write that a disk refused; undefined when an error is about something else. */
export function diskFailureCode(error: unknown): 'NO_SPACE' | 'DISK_ERROR' | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    const errno = errnoOf(cause);
    if (errno !== undefined && noSpace.has(errno)) return 'NO_SPACE';
    if (errno === 'EIO') return 'DISK_ERROR';
  }
  return undefined;
}
