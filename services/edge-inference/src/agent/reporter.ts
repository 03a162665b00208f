/** Tells the fleet how the node is: the newest report wins, one that could not be sent is sent again, a heartbeat between. */
import type { KeyObject } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { isAtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { NodePhase, type StatusReport, type VersionHealth } from '@atoll/proto/atoll/v1/release';
import { encodeEnvelope } from '@atoll/release/envelope';
import { sealStatus } from '@atoll/release/status';
import type { Swapper } from '../swap/swapper.js';
import type { BusLink } from './bus-link.js';
import type { AgentState, Baseline } from './decide.js';
import type { Follower } from './follower.js';

/** What a report is made of. */
export interface ReporterOptions {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the node's gRPC server listens. */
  readonly address: string;
  readonly nodeKey: KeyObject;
  readonly swapper: Swapper;
  readonly log: Logger;
  readonly heartbeatMs: number;
  readonly node: Pick<Follower, 'state' | 'alarms' | 'clockOffsetMs'>;
  readonly link: BusLink;
}

/** The node's voice. */
export interface Reporter {
  /** Sends a report of how things are now, soon; several calls may become one report. */
  report(): void;
  close(): Promise<void>;
}

/** Every so many heartbeats a report goes out though nothing happened, for the numbers in it. */
const beatsPerReport = 4;

/** Refuses (INVALID_ARGUMENT) labels or an address that no report could carry: such a node would work and never be heard. */
export function checkVoice(options: Omit<ReporterOptions, 'link'>): void {
  encodeEnvelope(sealStatus(statusOf(options, randomUUID(), 1n, Date.now()), options.nodeKey));
}

/** Starts heartbeats and waits for what there is to tell. */
export function startReporter(options: ReporterOptions): Reporter {
  const ended = new AbortController();
  const bootId = randomUUID();
  let sequence = 0n;
  let pending = false;
  let warned = false;
  let wake: () => void = () => undefined;

  const send = async (): Promise<void> => {
    pending = false;
    sequence += 1n;
    const status = statusOf(options, bootId, sequence, Date.now());
    await options.link.publishStatus(encodeEnvelope(sealStatus(status, options.nodeKey)));
  };
  /** Until the next report() or close(), or that long. */
  const woken = (mostMs?: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = mostMs === undefined ? undefined : setTimeout(resolve, mostMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const forever = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      if (!pending) await woken();
      if (ended.signal.aborted) return;
      try {
        await send();
        warned = false;
      } catch (error) {
        if (ended.signal.aborted) return;
        pending = true;
        const away = isAtollError(error, 'UNAVAILABLE');
        options.log[away || warned ? 'debug' : 'warn']('cannot report yet', { reason: reasonOf(error) });
        warned ||= !away;
        await woken(1_000);
      }
    }
  };
  const report = (): void => {
    pending = true;
    wake();
  };
  const running = forever();
  let timer: NodeJS.Timeout | undefined;
  let beats = 0;
  const beat = (): void => {
    options.link.heartbeat();
    if (++beats % beatsPerReport === 0) report();
    // Spread by a fifth, so that a fleet that started together does not speak together.
    timer = setTimeout(beat, options.heartbeatMs * (0.8 + Math.random() * 0.4));
  };
  beat();

  return {
    report,
    close: async () => {
      clearTimeout(timer);
      ended.abort();
      wake();
      await running;
    },
  };
}

function statusOf(
  options: Omit<ReporterOptions, 'link'>,
  bootId: string,
  sequence: bigint,
  nowMs: number,
): StatusReport {
  const { swapper } = options;
  const { node } = options;
  const { state } = node;
  const model = inService(state, swapper);
  const active = model === '' ? undefined : swapper.active(model);
  return {
    nodeId: options.nodeId,
    bootId,
    sequence,
    observedGeneration: state.lastGeneration,
    phase: NodePhase[`NODE_PHASE_${state.phase}`],
    reasonCode: state.reason?.code ?? '',
    message: (state.reason?.message ?? '').slice(0, 1_000),
    model: active === undefined ? '' : model,
    version: active?.version ?? 0n,
    manifestSha256: active?.manifestSha256 ?? '',
    backend: active?.backend ?? '',
    address: options.address,
    labels: { ...options.labels },
    health: active === undefined ? undefined : healthOf(swapper.stats(model, active.version)),
    createdUnixMs: BigInt(nowMs),
    attempt: state.assignment?.attempt ?? 0,
    previousVersion: state.previous?.version ?? 0n,
    floor: state.floors[model === '' ? (state.assignment?.target.model ?? '') : model] ?? 0n,
    alarms: [...node.alarms()],
    clockOffsetMs: BigInt(Math.round(node.clockOffsetMs())),
    baseline: state.baseline === undefined ? undefined : healthOf(state.baseline),
    denied: state.denied.length,
  };
}

/** The model that the report is about: the candidate's once it serves, else the committed one; empty when neither serves. */
function inService({ phase, candidate, active }: AgentState, swapper: Swapper): string {
  const tried = phase === 'SWAPPING' || phase === 'SOAKING' || phase === 'ROLLING_BACK' ? candidate?.model : undefined;
  for (const model of [tried, active?.model])
    if (model !== undefined && swapper.active(model) !== undefined) return model;
  return '';
}

function healthOf(stats: Baseline): VersionHealth {
  return {
    requests: BigInt(stats.requests),
    errors: BigInt(stats.errors),
    p50Ms: stats.p50Ms,
    p99Ms: stats.p99Ms,
    crashes: BigInt(stats.crashes),
  };
}
