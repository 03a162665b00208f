import { AtollError } from '@atoll/base/error';
import { type Rollout, RolloutSpec } from '@atoll/proto/atoll/v1/rollout';
import type { Fleet } from '../fleet.js';
import type { Progress } from '../progress.js';
import { phaseOf, rolloutLine } from '../rollout-text.js';
import { watchRollout } from '../watch-rollout.js';

/** What a rollout of the main job is asked. */
export interface DemoRollout {
  readonly model: string;
  readonly version: bigint;
  readonly waves: readonly string[];
  readonly soakMs: number;
}

/** How a rollout ended. */
export interface RolloutOutcome {
  readonly name: string;
  readonly phase: string;
  readonly waves: number;
  /** The wave in which it ended. */
  readonly wave: number;
  readonly message: string;
  /** What nodes gave as the reason of a failure, for example GOLDEN_MISMATCH. */
  readonly nodeReasons: readonly string[];
  readonly seconds: number;
}

/** Rolls a release out and follows it until it is final. */
export async function rollOut(
  fleet: Fleet,
  { model, version, waves, soakMs }: DemoRollout,
  progress: Progress,
  signal: AbortSignal,
): Promise<RolloutOutcome> {
  const startedMs = performance.now();
  const { rollout } = await fleet.rollout.startRollout(
    { spec: RolloutSpec.fromPartial({ model, version, waves: [...waves], soak: { durationMs: soakMs } }) },
    { signal },
  );
  const name = rollout?.spec?.name;
  if (name === undefined) throw new AtollError('INTERNAL', 'cannot start the rollout: the controller gave none');
  let said = '';
  const say = (standing: Rollout): void => {
    const line = rolloutLine({ ...standing, blockedOn: [] });
    if (line !== said) progress.line(`  ${line}`);
    said = line;
  };
  const last = await watchRollout(fleet, name, say, signal);
  return {
    name,
    phase: phaseOf(last),
    waves: last.waves.length,
    wave: last.wave,
    message: last.message,
    nodeReasons: await reasonsOf(fleet, name, signal),
    seconds: (performance.now() - startedMs) / 1000,
  };
}

async function reasonsOf({ rollout }: Fleet, name: string, signal: AbortSignal): Promise<readonly string[]> {
  const { events } = await rollout.listEvents({ fromOffset: 0n, pageSize: 10_000 }, { signal });
  return events
    .filter((event) => event.rollout === name && /^Node(Failed|RolledBack)$/.test(event.kind))
    .map(({ nodeId, message }) => `${nodeId}: ${message}`);
}
