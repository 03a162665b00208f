import { AtollError } from '@atoll/base/error';

/** A signal that aborts with `outer`, and after `timeoutMs` with DEADLINE_EXCEEDED; without a time, only with `outer`. */
export function startDeadline(
  what: string,
  timeoutMs: number | undefined,
  outer: AbortSignal,
): { readonly signal: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer.reason);
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  const late = (): void =>
    controller.abort(
      new AtollError('DEADLINE_EXCEEDED', `cannot ${what}: it took longer than ${(timeoutMs ?? 0) / 1000} s`),
    );
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
    },
  };
}
