import type { Clock } from '@atoll/base/clock';
import type { TrialPolicy, TrialReason } from './judge.js';
import type { Entry, Model } from './model-state.js';
import type { VersionLabel } from './target.js';
import type { Reference, Trial } from './trial.js';
import { beginTrial } from './trial.js';

/** Watches every version on trial of a node, and says when one has failed or passed. */
export interface Trials {
  /** Begins a trial, instead of one under the same label. */
  begin(model: Model, label: VersionLabel, entry: Entry, reference: Reference): void;
  /** Ends the trial under this label, if there is one. */
  end(model: Model, label: VersionLabel): void;
  /** Ends all. */
  stop(): void;
}

/** What they work with. */
export interface TrialsDeps {
  readonly policy: TrialPolicy;
  readonly clock: Clock;
  readonly onFailed: (model: Model, trial: Trial, reason: TrialReason) => void;
  readonly onPassed: (model: Model, trial: Trial) => void;
}

const everyMs = 250;

/** Trials with none under way; a timer runs only while there is one. */
export function createTrials({ policy, clock, onFailed, onPassed }: TrialsDeps): Trials {
  const models = new Set<Model>();
  let timer: NodeJS.Timeout | undefined;

  const end = (model: Model, label: VersionLabel): void => {
    model.trials = model.trials.filter((trial) => trial.label !== label);
    if (model.trials.length === 0) models.delete(model);
    if (models.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const lookAt = (model: Model, trial: Trial): void => {
    const verdict = trial.look(clock.monotonicMs());
    if (verdict.kind === 'fail') {
      end(model, trial.label);
      onFailed(model, trial, verdict.reason);
    } else if (verdict.kind === 'pass' && trial.label === 'stable') {
      end(model, trial.label);
      onPassed(model, trial);
    }
  };
  const look = (): void => {
    for (const model of models) for (const trial of model.trials) lookAt(model, trial);
  };

  return {
    begin(model, label, { pkg: { version }, stats }, reference) {
      const trial = beginTrial({ version, label, stats, reference, policy, nowMs: clock.monotonicMs() });
      model.trials = [...model.trials.filter((other) => other.label !== label), trial];
      models.add(model);
      timer ??= setInterval(look, everyMs).unref();
    },
    end,
    stop() {
      clearInterval(timer);
      models.clear();
    },
  };
}
