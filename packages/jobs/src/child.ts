/**
 * The child side of a job that runs in a process of its own: its input comes as the first message, events and the end
 * go back as messages. It ends with its parent: a closed channel aborts the work and then the process.
 */
import { toAtollError } from '@atoll/base/error';

/** What the parent sends. */
export type ToChild = { readonly kind: 'start'; readonly input: unknown };

/** What the child sends. */
export type ToParent =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly stack: string };

/** A job's work: input in, events on the way, output at the end. */
export type ChildWork<In, E, Out> = (input: In, emit: (event: E) => void, signal: AbortSignal) => Promise<Out>;

/** Runs `work` for the parent that started this process; the last statement of a child's entry file. */
export function serveJob<In, E, Out>(work: ChildWork<In, E, Out>): void {
  const controller = new AbortController();
  // The terminal sends SIGINT to the whole group; the parent decides what it means.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => controller.abort());
  process.on('disconnect', () => process.exit(1));
  process.once('message', (message: ToChild) => {
    const emit = (event: E): void => send({ kind: 'event', event });
    work(message.input as In, emit, controller.signal).then(
      (output) => send({ kind: 'done', output }, () => process.exit(0)),
      (thrown: unknown) => {
        const error = toAtollError(thrown);
        const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : '';
        send({ kind: 'failed', code: error.code, message: error.message, stack: cause }, () => process.exit(1));
      },
    );
  });
}

function send(message: ToParent, then?: () => void): void {
  process.send?.(message, undefined, undefined, () => then?.());
}
