/**
 * The node's agent: serves the committed release from its own disk before anything else, then follows the fleet's desired
 * state. One loop takes the next action of the state machine, writes down what came of it, and tells; a newer desired state
 * aborts the action and is taken up between two.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { readCredentials } from '@atoll/bus/credentials';
import { parseNodeId } from '@atoll/bus/names';
import { readPrivateKey, readPublicKeys } from '@atoll/release/keys';
import { openChannel } from '@atoll/rpc/channel';
import type { VersionStats } from '../stats.js';
import type { Swapper } from '../swap/swapper.js';
import { linkBus } from './bus-link.js';
import { advance, type AgentState, assign, atStart, type ModelRef, nextAction, type Outcome } from './decide.js';
import { fetchRelease } from './fetch.js';
import { openInbox } from './inbox.js';
import { openJournal } from './journal.js';
import {
  type Effects,
  performActivate,
  performFetch,
  performRestore,
  performRevert,
  performSoak,
  serves,
} from './perform.js';
import { openReleaseStore } from './release-store.js';
import { startReporter } from './reporter.js';

/** What an agent needs. */
export interface AgentOptions {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** PEM file of the node's ed25519 key, which signs its reports. */
  readonly nodeKeyPath: string;
  /** Trust file of the keys that sign releases. */
  readonly buildKeysPath: string;
  /** Trust file of the keys that sign desired states. */
  readonly directorKeysPath: string;
  /** Address of the registry. */
  readonly registry: string;
  readonly natsUrl: string;
  /** Seed file of the node's NATS user. */
  readonly natsCredentialsPath: string;
  /** The agent keeps its journal and releases under it. */
  readonly dataDir: string;
  /** Where the node's gRPC server listens, for reports. */
  readonly address: string;
  readonly swapper: Swapper;
  readonly log: Logger;
  /** Default 30,000. */
  readonly heartbeatMs?: number;
  /** Bytes of releases on disk at most, default 4 GiB. */
  readonly quotaBytes?: number;
}

/** A running agent. */
export interface Agent {
  /** Ends what can be ended without harm; what serves stays in service. */
  stop(): Promise<void>;
}

/** A committed release that could not be served is tried again after this, milliseconds. */
const restoreEveryMs = 10_000;
/** A revert that failed is tried again after this, milliseconds. */
const revertEveryMs = 1_000;

/** Starts the agent; returns once the committed release, if there is one, was put in service or could not be. Needs no network. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { swapper, log } = options;
  const nodeId = parseNodeId(options.nodeId);
  const folder = join(options.dataDir, 'agent');
  await mkdir(folder, { recursive: true });
  const nodeKey = await readPrivateKey(options.nodeKeyPath);
  const buildKeys = await readPublicKeys(options.buildKeysPath);
  const directorKeys = await readPublicKeys(options.directorKeysPath);
  const credentials = await readCredentials(options.natsCredentialsPath);
  const store = await openReleaseStore(join(folder, 'releases'), options.quotaBytes ?? 4 * 2 ** 30);
  const journal = openJournal(folder);
  const channel = openChannel(options.registry);

  const stopped = new AbortController();
  let preempt = new AbortController();
  let wake: () => void = () => undefined;
  let baseline: VersionStats | undefined;
  let restoreAtMs = 0;

  // A clock that was set back must not make expired things valid: time is never before the latest signature seen.
  const nowMs = (): number => Math.max(Date.now(), journal.state.lastSignedMs);
  const write = (state: AgentState): void => {
    const { phase } = journal.state;
    journal.write(state);
    if (state.phase !== phase) {
      log.info('phase', {
        phase: state.phase,
        candidate: state.candidate,
        generation: state.lastGeneration,
        ...state.reason,
      });
    }
    reporter.report();
  };
  const step = (outcome: Outcome): void => write(advance(journal.state, outcome));
  const effects: Effects = {
    swapper,
    store,
    channel,
    buildKeys,
    log,
    nowMs,
    onStep: step,
    onNews: () => reporter.report(),
  };

  const inbox = openInbox({
    nodeId,
    directorKeys,
    lastSeen: () => {
      const { lastGeneration, lastPayloadSha256 } = journal.state;
      return lastGeneration === 0n ? undefined : { generation: lastGeneration, payloadSha256: lastPayloadSha256 };
    },
    nowMs,
    log,
    onNewer: () => {
      preempt.abort();
      wake();
    },
  });
  const servers = [options.natsUrl];
  const link = linkBus({
    servers,
    credentials,
    nodeId,
    log,
    onDesired: (bytes) => inbox.deliver(bytes),
    onUp: () => reporter.report(),
  });
  const reporter = startReporter({
    nodeId,
    labels: options.labels,
    address: options.address,
    nodeKey,
    swapper,
    log,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    state: () => journal.state,
    link: () => link,
  });

  write(atStart(journal.state));
  await restoreFromDisk(effects, journal.state);

  const restore = async (active: ModelRef, signal: AbortSignal): Promise<void> => {
    try {
      await fetchRelease(
        { channel, store, buildKeys, nowMs: 0 },
        active,
        AbortSignal.any([signal, AbortSignal.timeout(restoreEveryMs)]),
      );
      await performRestore(effects, active);
      reporter.report();
    } catch (error) {
      log.error('the committed release cannot be served', { reason: reasonOf(error) });
    }
    restoreAtMs = performance.now() + restoreEveryMs;
  };

  const act = async (signal: AbortSignal): Promise<Outcome | undefined> => {
    const { state } = journal;
    const action = nextAction(state);
    switch (action.kind) {
      case 'wait':
        return undefined;
      case 'fetch': {
        step({ kind: 'fetching' });
        const keep = [state.active, state.previous].filter((ref) => ref !== undefined);
        return performFetch(effects, { ...action, keep }, signal);
      }
      case 'activate': {
        const { active } = state;
        baseline = active?.model === action.candidate.model ? swapper.stats(active.model, active.version) : undefined;
        return performActivate(effects, action.candidate, signal);
      }
      case 'soak':
        return performSoak(effects, { ...action, baseline }, signal);
      case 'revert':
        try {
          return await performRevert(effects, state, action.candidate);
        } catch (error) {
          log.error('cannot revert, trying again', { reason: reasonOf(error) });
          await delay(revertEveryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
          return undefined;
        }
    }
  };

  const turn = async (): Promise<void> => {
    preempt = new AbortController();
    const delivery = inbox.take();
    if (delivery !== undefined) {
      const signed = { ...journal.state, lastSignedMs: Math.max(journal.state.lastSignedMs, delivery.signedMs) };
      return write(assign(signed, delivery.assignment, delivery.payloadSha256));
    }
    const signal = AbortSignal.any([preempt.signal, stopped.signal]);
    const { active } = journal.state;
    const broken = active !== undefined && isIdle(journal.state) && !serves(swapper, active);
    if (broken && performance.now() >= restoreAtMs) return restore(active, signal);
    if (nextAction(journal.state).kind === 'wait') {
      return idle(signal, broken ? restoreEveryMs : undefined, (waker) => (wake = waker));
    }
    const outcome = await act(signal);
    if (outcome !== undefined) step(outcome);
  };

  const loop = (async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        // The journal could not be written: nothing was decided, the same turn comes again.
        log.error('the agent cannot go on, trying again', { error });
        await delay(1_000, undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
  })();

  return {
    stop: async () => {
      stopped.abort();
      wake();
      await loop;
      // An end that was asked for is no crash of the candidate.
      if (journal.state.phase === 'SOAKING') journal.write(advance(journal.state, { kind: 'abandoned' }));
      await reporter.close();
      await link.close();
      channel.close();
    },
  };
}

/** Serves the committed release, else the one before it, from this disk. */
async function restoreFromDisk(effects: Effects, { active, previous }: AgentState): Promise<void> {
  for (const ref of [active, previous]) {
    if (ref === undefined) continue;
    try {
      return await performRestore(effects, ref);
    } catch (error) {
      effects.log.error('a committed release cannot be served from this disk', { ...ref, reason: reasonOf(error) });
    }
  }
}

function isIdle({ phase }: AgentState): boolean {
  return phase === 'STEADY' || phase === 'FAILED' || phase === 'ROLLED_BACK' || phase === 'ASSIGNED';
}

/** Waits for a wake-up, an abort or, when given, a while. */
async function idle(
  signal: AbortSignal,
  mostMs: number | undefined,
  wakeWith: (wake: () => void) => void,
): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = mostMs === undefined ? undefined : setTimeout(resolve, mostMs);
    wakeWith(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
