/**
 * Compares the numbers of a wave with those of nodes that still run the version before (control), over the same time, and
 * with what its own nodes had before. Worse than all it can be compared with is FAIL; worse than a part of it, or too few
 * requests, is no verdict, for either the load changed or the wave has other nodes than the rest of the fleet.
 */
import type { FleetView, Health } from './fleet-view.js';
import type { ControlSample, MetricGate, Rollout } from './rollout.js';
import { wilsonLower, wilsonUpper } from './statistics.js';

/** The numbers of a wave's nodes, and of what they are compared with. */
export interface MetricSamples {
  /** The new version on the wave's nodes, each with the version before on the same node where it is known. */
  readonly canaries: readonly { readonly health: Health; readonly baseline: Health | undefined }[];
  /** The version before on nodes that are not assigned, since the wave began. */
  readonly control: readonly Health[];
}

/** The verdict with its numbers in words. */
export interface MetricVerdict {
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE';
  readonly numbers: readonly string[];
}

/** Nodes that are looked at, of a wave and of its control each. */
const sampledNodes = 200;
/** A difference of error rates below this says nothing, whatever the ratio. */
const leastErrorRate = 0.01;
/** A difference of latencies below this says nothing, whatever the ratio, milliseconds. */
const leastLatencyMs = 5;

/** Judges; `confidence` is that of the rollout's gates. */
export function judgeMetrics(gate: MetricGate, samples: MetricSamples, confidence: number): MetricVerdict {
  const canaries = samples.canaries.map(({ health }) => health);
  const baselines = samples.canaries.flatMap(({ baseline }) => (baseline === undefined ? [] : [baseline]));
  const wave = totalOf(canaries);
  const enough = (total: Total): boolean => total.requests >= gate.minRequests;
  const comparisons = [
    { name: 'control', total: totalOf(samples.control), countsCrashes: true },
    { name: 'before', total: totalOf(baselines), countsCrashes: false },
  ].filter(({ total }) => enough(total));
  const numbers = [`wave: ${describe(wave)}`, ...comparisons.map(({ name, total }) => `${name}: ${describe(total)}`)];
  const inconclusive = (why: string): MetricVerdict => ({ verdict: 'INCONCLUSIVE', numbers: [why, ...numbers] });
  const failed = (why: string): MetricVerdict => ({ verdict: 'FAIL', numbers: [why, ...numbers] });

  const drift = meanDrift(canaries);
  if (drift !== undefined && drift > gate.maxScoreDrift)
    return failed(`scores have drifted by ${drift.toFixed(2)}, ${gate.maxScoreDrift} is allowed`);
  const [control] = comparisons;
  const usualCrashes = control?.countsCrashes === true ? control.total.crashes / control.total.nodes : 0;
  if (wave.crashes > Math.max(gate.maxCrashes, gate.maxErrorRatio * usualCrashes * wave.nodes))
    return failed(`${wave.crashes} crashes on ${wave.nodes} nodes, ${gate.maxCrashes} are allowed`);
  if (!enough(wave)) return inconclusive(`the wave saw ${wave.requests} requests, ${gate.minRequests} are needed`);
  if (comparisons.length === 0) return inconclusive(`nothing to compare with saw ${gate.minRequests} requests`);

  const worse = comparisons.map(({ name, total }) => ({ name, how: worseThan(gate, wave, total, confidence) }));
  const reasons = worse.flatMap(({ name, how }) => (how === undefined ? [] : [`${how} than ${name}`]));
  if (reasons.length === 0) return { verdict: 'PASS', numbers };
  const sure = worse.every(({ how }) => how !== undefined && !how.startsWith('maybe'));
  return sure ? failed(reasons.join(', ')) : inconclusive(reasons.join(', '));
}

/** What is known of a wave's nodes and of the control that was chosen when it began. */
export function metricSamples(rollout: Rollout, wave: number, fleet: FleetView): MetricSamples {
  const digest = rollout.spec.target.manifestSha256;
  const canaries: { health: Health; baseline: Health | undefined }[] = [];
  for (const member of rollout.members) {
    if (canaries.length === sampledNodes) break;
    if (member.wave !== wave || member.outcome !== 'COMMITTED') continue;
    const report = fleet.nodes.get(member.nodeId)?.report;
    if (report?.health === undefined || report.serving?.manifestSha256 !== digest) continue;
    canaries.push({ health: report.health, baseline: report.baseline });
  }
  const control = Object.entries(rollout.waves[wave - 1]?.control ?? {}).flatMap(([nodeId, before]) => {
    const report = fleet.nodes.get(nodeId)?.report;
    if (report?.health === undefined || report.serving?.manifestSha256 === digest) return [];
    return [since(before, report.health)];
  });
  return { canaries, control };
}

/** The nodes that a wave will be compared with, as they are when it begins: the next in the plan. */
export function controlOf(
  { members }: Rollout,
  wave: number,
  fleet: FleetView,
): Readonly<Record<string, ControlSample>> {
  const control: Record<string, ControlSample> = {};
  let size = 0;
  for (const member of members) {
    if (size === sampledNodes) break;
    if (member.wave <= wave || member.generation > 0n) continue;
    const health = fleet.nodes.get(member.nodeId)?.report?.health;
    if (health === undefined) continue;
    control[member.nodeId] = [health.requests, health.errors, health.crashes];
    size += 1;
  }
  return control;
}

/** What was counted since; a node that counts from the beginning again was restarted meanwhile. */
function since([requests, errors, crashes]: ControlSample, now: Health): Health {
  if (now.requests < requests || now.errors < errors || now.crashes < crashes) return now;
  return {
    ...now,
    requests: now.requests - requests,
    errors: now.errors - errors,
    crashes: now.crashes - crashes,
  };
}

interface Total {
  readonly nodes: number;
  readonly requests: number;
  readonly errors: number;
  readonly crashes: number;
  /** Median of the nodes that saw requests; 0 when none did. */
  readonly p99Ms: number;
}

function totalOf(healths: readonly Health[]): Total {
  const sum = (number: (health: Health) => number): number => healths.reduce((total, one) => total + number(one), 0);
  const p99 = healths.filter(({ requests }) => requests > 0).map(({ p99Ms }) => p99Ms);
  return {
    nodes: healths.length,
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    crashes: sum(({ crashes }) => crashes),
    p99Ms: p99.toSorted((a, b) => a - b)[Math.floor(p99.length / 2)] ?? 0,
  };
}

/** In which way the wave is worse, "maybe …" when that may be chance; undefined when it is not. */
function worseThan(gate: MetricGate, wave: Total, other: Total, confidence: number): string | undefined {
  const slower = wave.p99Ms > Math.max(other.p99Ms * gate.maxP99Ratio, other.p99Ms + leastLatencyMs);
  if (slower && other.p99Ms > 0) return `${(wave.p99Ms / other.p99Ms).toFixed(1)} times slower`;
  const rate = wave.errors / wave.requests;
  const usual = other.errors / other.requests;
  if (rate - gate.maxErrorRatio * usual <= leastErrorRate) return undefined;
  const atLeast = wilsonLower(wave.errors, wave.requests, confidence);
  const atMost = wilsonUpper(other.errors, other.requests, confidence);
  const times = usual === 0 ? 'errors, which it has not, rather' : `${(rate / usual).toFixed(1)} times more errors`;
  return atLeast > gate.maxErrorRatio * atMost ? times : `maybe ${times}`;
}

function meanDrift(healths: readonly Health[]): number | undefined {
  const drifts = healths.flatMap(({ scoreDrift }) => (scoreDrift === undefined ? [] : [scoreDrift]));
  return drifts.length === 0 ? undefined : drifts.reduce((sum, drift) => sum + drift, 0) / drifts.length;
}

function describe({ nodes, requests, errors, crashes, p99Ms }: Total): string {
  const rate = requests === 0 ? 0 : errors / requests;
  return `${nodes} nodes, ${requests} requests, ${(rate * 100).toFixed(2)} % errors, p99 ${p99Ms.toFixed(1)} ms, ${crashes} crashes`;
}
