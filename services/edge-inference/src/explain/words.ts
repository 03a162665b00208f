/*
 * A model's state in sentences: what serves and why there, what runs beside it, what was refused, and what the node would do next.
 * Made from the same numbers that Explain gives as data; it decides nothing.
 */
import type { BackendTrial } from '../backends/choose.js';
import { choiceInWords } from '../backends/choose.js';
import type { Decision } from '../swap/decisions.js';
import type { ModelDescription, VersionDescription } from '../swap/description.js';

/** A version and what is known of it beside its description. */
export interface VersionFacts {
  readonly version: VersionDescription;
  /** The order's choice: `auto`, or the backend that the node was told to use. */
  readonly backendRule: string;
  readonly trials: readonly BackendTrial[];
  readonly fallbacks: number;
  /** Why no slot can answer with it; undefined when one can. */
  readonly fault: string | undefined;
}

/** A model and its door. */
export interface ModelFacts {
  readonly model: Pick<ModelDescription, 'owner' | 'previous' | 'decisions'>;
  readonly versions: readonly VersionFacts[];
  readonly waiting: number;
  readonly waitingLimit: number;
}

/** One sentence a thing worth saying, most important first. */
export function modelWords({ model, versions, waiting, waitingLimit }: ModelFacts): string[] {
  const serving = versions.filter(({ version }) => version.label !== undefined);
  return [
    ...(serving.length === 0 ? ['Nothing of it serves.'] : serving.flatMap(versionWords)),
    ...(waiting > 0 ? [`${waiting} requests wait; ${waitingLimit} may.`] : []),
    ...lastOf(model.decisions, 'returned', (one) => `v${one.version} was taken back: ${one.reason}.`),
    ...lastOf(model.decisions, 'refused', (one) => `v${one.version} was refused: ${one.reason}.`),
    ...lastOf(
      model.decisions,
      'removed',
      (one) => `${one.label ?? 'a version'} v${one.version} was removed: ${one.reason}.`,
    ),
    nextWords(model, serving),
  ];
}

function versionWords(facts: VersionFacts): string[] {
  const { version, fallbacks, fault } = facts;
  const { label, state, stats } = version;
  const name = `v${version.version}`;
  const place = `${version.backend} (${version.device})`;
  const share = label === 'shadow' ? `copies of ${version.shadowPercent} %` : `${version.trafficPercent} %`;
  const rests = state === 'resting' ? '; it rests for want of memory and its next request loads it' : '';
  const lines = [`${name} is ${label}, on ${place}, and gets ${share} of the requests${rests}.`, whyThere(facts)];
  if (fault !== undefined) lines.push(`${name} cannot answer at present: ${fault}.`);
  if (stats.requests > 0) {
    const times = `median ${stats.p50Ms.toFixed(1)} ms, p99 ${stats.p99Ms.toFixed(1)} ms`;
    lines.push(`${name} ran ${stats.requests} requests, ${stats.errors} of them failed; ${times}.`);
  }
  if (fallbacks > 0) lines.push(`${fallbacks} of its requests ran elsewhere than on ${place}.`);
  if (stats.crashes > 0) lines.push(`Its runtime process ended unasked ${stats.crashes} times.`);
  if (stats.compared > 0) lines.push(`As a shadow it differed in ${stats.disagreed} of ${stats.compared} answers.`);
  return lines;
}

function whyThere({ version, backendRule, trials }: VersionFacts): string {
  const { backend } = version;
  if (backendRule !== 'auto') return `It runs on ${backend} because the node was told ${backendRule}.`;
  if (backend === 'edgetpu') return 'It runs on an Edge TPU because there is one and the package has a file for it.';
  if (trials.length > 0) return `It runs on ${backend}; its backends were timed here: ${choiceInWords(trials)}.`;
  return `It runs on ${backend}, the first of the usual order that opened it; its backends were not timed yet.`;
}

function nextWords({ owner, previous }: ModelFacts['model'], serving: readonly VersionFacts[]): string {
  const trial = serving.find(({ version }) => version.trial?.verdict.kind === 'wait')?.version;
  const back = previous === undefined ? 'there is no version to go back to' : `v${previous} would come back`;
  if (trial !== undefined && trial.label === 'stable') return `v${trial.version} is on trial; should it fail, ${back}.`;
  if (trial !== undefined) return `v${trial.version} is on trial as ${trial.label}; should it fail, it is removed.`;
  return owner === 'fleet' ? 'A rollout changes it; the node waits for the next.' : 'Nothing is under way.';
}

function lastOf(decisions: readonly Decision[], kind: Decision['kind'], say: (one: Decision) => string): string[] {
  const last = decisions.findLast((one) => one.kind === kind);
  return last === undefined ? [] : [say(last)];
}
