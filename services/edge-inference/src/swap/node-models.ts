import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import type { DecisionKind } from './decisions.js';
import { withDecision } from './decisions.js';
import type { Model } from './model-state.js';
import { createModel } from './model-state.js';
import type { VersionLabel } from './target.js';

/** What is decided, about which version. */
export interface Note {
  readonly kind: DecisionKind;
  readonly version: bigint;
  readonly label?: VersionLabel;
  readonly reason: string;
}

/** The models that a node knows, loaded or not. */
export interface NodeModels {
  readonly all: ReadonlyMap<string, Model>;
  /** Makes it known. */
  of(name: string): Model;
  /** Counts a use. */
  used(model: Model): void;
  /** Logs a decision and keeps it readable. */
  note(model: Model, note: Note): void;
}

/** None yet. */
export function createNodeModels({ clock, log }: { readonly clock: Clock; readonly log: Logger }): NodeModels {
  const all = new Map<string, Model>();
  let uses = 0;
  return {
    all,
    of(name) {
      const known = all.get(name);
      if (known !== undefined) return known;
      const model = createModel(name);
      all.set(name, model);
      return model;
    },
    used(model) {
      model.lastUse = ++uses;
      model.lastUsedAtMs = clock.nowMs();
    },
    note(model, { kind, version, label, reason }) {
      model.decisions = withDecision(model.decisions, { atMs: clock.nowMs(), kind, version, label, reason });
      model.decided.set(kind, (model.decided.get(kind) ?? 0) + 1);
      const level = kind === 'returned' || kind === 'removed' || kind === 'refused' ? 'warn' : 'info';
      log[level](kind === 'stable' ? 'in service' : kind, { model: model.name, version, label, reason });
    },
  };
}
