import { isAtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { ControllerCore } from '../core.js';
import type { Answer, Task } from './outbox.js';

/** What the publisher needs: the core's outgoing side, and the bus. */
export interface PublisherOptions {
  readonly bus: Pick<ControllerBus, 'putDesired' | 'getDesired'>;
  readonly core: Pick<ControllerCore, 'nextOutgoing' | 'outgoingDone'>;
  readonly log: Logger;
}

/** The running publisher. */
export interface Publisher {
  /** There may be something to send. */
  wake(): void;
  stop(): Promise<void>;
}

/** Puts and reads under way at a time. */
const atOnce = 256;

/** Does on the bus whatever the core has to send, a bounded number of tasks at a time. */
export function startPublisher(options: PublisherOptions): Publisher {
  const { bus, core, log } = options;
  let ended = false;
  const underWay = new Set<Promise<void>>();
  let told = false;

  const attempt = async (task: Task): Promise<Answer> => {
    try {
      if (task.kind === 'get') return { kind: 'done', held: await bus.getDesired(task.nodeId) };
      await bus.putDesired(task.nodeId, task.bytes);
      return { kind: 'done' };
    } catch (error) {
      if (isAtollError(error, 'INVALID_ARGUMENT')) {
        log.error('cannot bring a desired state to the broker', { nodeId: task.nodeId, error });
        return { kind: 'refused' };
      }
      if (!told) log.warn('cannot bring desired states to the broker, trying again', { reason: reasonOf(error) });
      told = true;
      return { kind: 'away' };
    }
  };
  const send = async (task: Task): Promise<void> => {
    const answer = await attempt(task);
    if (ended) return;
    if (answer.kind === 'done' && told) {
      told = false;
      log.info('the broker answers again');
    }
    core.outgoingDone(task, answer);
  };
  const fill = (): void => {
    while (underWay.size < atOnce && !ended) {
      const task = core.nextOutgoing();
      if (task === undefined) return;
      const sending: Promise<void> = send(task).then(() => {
        underWay.delete(sending);
        fill();
      });
      underWay.add(sending);
    }
  };
  return {
    wake: fill,
    stop: async () => {
      ended = true;
      await Promise.allSettled(underWay);
    },
  };
}
