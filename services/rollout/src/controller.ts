/** The controller without its borders: given stores and a bus, it brings rollouts forward until it is stopped. */
import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { Commands } from './commands.js';
import { type ControllerCore, createCore } from './core.js';
import { checkRequest, type SpecRequest } from './decide/admission.js';
import type { Rollout } from './decide/rollout.js';
import { createDirector } from './director.js';
import { startDriver } from './driver.js';
import type { EnrolledNode } from './fleet/enrolment.js';
import { generationReader } from './fleet/held-state.js';
import { openSigned } from './fleet/open-signed.js';
import { createNotifier, type Notifier } from './notifier.js';
import type { FindRelease } from './registry-client.js';
import type { DurableStores } from './state/stores.js';

/** What the controller needs. */
export interface ControllerOptions {
  readonly stores: DurableStores;
  readonly bus: Pick<ControllerBus, 'putDesired' | 'getDesired'>;
  readonly directorKey: KeyObject;
  readonly enrolled: readonly EnrolledNode[];
  readonly findRelease: FindRelease;
  readonly offlineAfterMs: number;
  /** False once another controller leads, or may. */
  readonly leads: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between looks, and between rounds of comparing, when nothing happens; milliseconds, default 2,000. */
  readonly everyMs?: number;
}

/** The running controller. */
export interface Controller extends ControllerCore {
  readonly commands: Commands;
  readonly notifier: Notifier;
  /** Begins a rollout, once the registry has said that there is such a release. */
  start(request: SpecRequest, signal: AbortSignal, actor?: string): Promise<Rollout>;
  stop(): Promise<void>;
}

/** Takes up whatever the stores say is at work. */
export function startController(options: ControllerOptions): Controller {
  const { stores, bus, directorKey, enrolled, findRelease, offlineAfterMs, leads, clock, log } = options;
  const notifier = createNotifier();
  let wake = (): void => undefined;
  const core = createCore({
    stores,
    director: createDirector(directorKey),
    enrolled,
    openStatus: openSigned,
    generationOf: generationReader(createPublicKey(directorKey)),
    offlineAfterMs,
    clock,
    newUid: randomUUID,
    leads,
    wake: () => wake(),
    changed: () => notifier.notify(),
    log,
  });
  const driver = startDriver({ core, bus, log, everyMs: options.everyMs ?? 2_000 });
  ({ wake } = driver);
  return {
    ...core,
    notifier,
    start: async (request, signal, actor) => {
      checkRequest(request);
      const manifestSha256 = await findRelease(request.model, request.version, signal);
      return core.commands.start(request, manifestSha256, actor);
    },
    stop: () => driver.stop(),
  };
}
