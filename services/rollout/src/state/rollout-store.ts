/** Rollouts with their plans, durable. Plans are written once; standings are written with a revision check. */
import { AtollError } from '@atoll/base/error';
import type { Database, SqlValue } from '@atoll/database/database';
import type { Row } from '@atoll/database/row';
import type { MemberChange } from '../decide/changes.js';
import type { Target } from '../decide/fleet-view.js';
import type { Member, Outcome, Phase, Rollout, Spec, Standing, Wave } from '../decide/rollout.js';
import { specBytes, specOf } from './spec-bytes.js';
import { targetOf, targetValues } from './target-columns.js';

/** A rollout that is about to begin. */
export interface NewRollout {
  readonly uid: string;
  readonly spec: Spec;
  readonly standing: Standing;
  /** Node ids by wave. */
  readonly plan: readonly (readonly string[])[];
  /** The attempt of its nodes, from 1. */
  readonly attempt: number;
  readonly createdMs: number;
}

/** A rollout but for its members. */
export type RolloutOutline = Omit<Rollout, 'members'>;

/** The store. Writes are meant to be made within one transaction of the database. */
export interface RolloutStore {
  add(rollout: NewRollout): void;
  has(name: string): boolean;
  phase(name: string): Phase | undefined;
  load(name: string): Rollout | undefined;
  /** The rollout without its members. */
  outline(name: string): RolloutOutline | undefined;
  member(name: string, nodeId: string): Member | undefined;
  /** Rollouts that are not final, oldest first. */
  atWork(): Rollout[];
  /** Complete rollouts whose version some node has still to be given, or to take or refuse; one whose nodes were just told something else may be among them. */
  withStragglers(): Rollout[];
  /** Newest first; at most `limit`, older than the one numbered `before` (undefined = from the newest). */
  page(before: bigint | undefined, limit: number): { readonly rollout: Rollout; readonly number: bigint }[];
  /** Writes a standing over revision `rollout.revision`; INTERNAL when somebody else wrote meanwhile. */
  write(rollout: Rollout, standing: Standing, nowMs: number): void;
  change(rollout: Rollout, change: MemberChange): void;
  assign(
    rollout: Rollout,
    nodeId: string,
    part: Pick<Member, 'previous' | 'generation' | 'assignedMs' | 'heardMs'>,
  ): void;
  revert(rollout: Rollout, nodeId: string, part: Pick<Member, 'revertGeneration' | 'assignedMs' | 'heardMs'>): void;
  startWave(rollout: Rollout, wave: number, nowMs: number): void;
  passWave(rollout: Rollout, wave: number, nowMs: number): void;
  /** Writes what is named of a member. */
  setMember(rollout: Rollout, nodeId: string, part: Partial<Member>): void;
  /** Writes what is named of a wave. */
  setWave(rollout: Rollout, wave: number, part: Partial<Wave>): void;
  /** The highest attempt of any rollout at the release with this manifest; 0 = there was none. */
  attempts(manifestSha256: string): number;
  /** Nodes that came later, behind all others and at their highest attempt, in a wave that is not before any other's. */
  addMembers(rollout: Rollout, wave: number, nodeIds: readonly string[]): void;
  /** What the rollout of this name told a node in generation `before` has another generation now. */
  renumber(name: string, nodeId: string, before: bigint, generation: bigint): void;
}

const ofRollout = 'rollout_id = (SELECT id FROM rollout WHERE name = ?)';

/** The store in a database that has the controller's schema. */
export function rolloutStore(db: Database): RolloutStore {
  const whole = (row: Row): Rollout => readRollout(db, row);
  const updateMember = (rollout: Rollout, nodeId: string, columns: string, ...values: SqlValue[]) =>
    db.run(`UPDATE member SET ${columns} WHERE ${ofRollout} AND node_id = ?`, ...values, rollout.spec.name, nodeId);
  return {
    add: (rollout) => addRollout(db, rollout),
    has: (name) => db.first(() => true, 'SELECT 1 FROM rollout WHERE name = ?', name) === true,
    phase: (name) => db.first((row) => row.text('phase') as Phase, 'SELECT phase FROM rollout WHERE name = ?', name),
    load: (name) => db.first(whole, 'SELECT * FROM rollout WHERE name = ?', name),
    outline: (name) => db.first((row) => readOutline(db, row), 'SELECT * FROM rollout WHERE name = ?', name),
    member: (name, nodeId) =>
      db.first(readMember, `SELECT * FROM member WHERE ${ofRollout} AND node_id = ?`, name, nodeId),
    atWork: () =>
      db.all(
        whole,
        "SELECT * FROM rollout WHERE phase IN ('Pending', 'Progressing', 'Paused', 'Reverting') ORDER BY id",
      ),
    withStragglers: () =>
      db.all(
        whole,
        `SELECT r.* FROM rollout r WHERE r.phase = 'Complete' AND EXISTS (
           SELECT 1 FROM member m LEFT JOIN desired d ON d.node_id = m.node_id
           WHERE m.rollout_id = r.id AND m.outcome IN ('', 'TIMED_OUT')
             AND (m.generation = 0 OR d.generation = m.generation))`,
      ),
    page: (before, limit) =>
      db.all(
        (row) => ({ rollout: whole(row), number: row.integer('id') }),
        'SELECT * FROM rollout WHERE id < ? ORDER BY id DESC LIMIT ?',
        before ?? BigInt(Number.MAX_SAFE_INTEGER),
        limit,
      ),
    write: (rollout, standing, nowMs) => writeStanding(db, rollout, standing, nowMs),
    change: (rollout, { nodeId, heardMs, ended, back }) => {
      if (heardMs !== undefined) updateMember(rollout, nodeId, 'heard_ms = ?', heardMs);
      if (back === true) updateMember(rollout, nodeId, 'back = 1');
      if (ended === undefined) return;
      const { outcome, reasonCode, message } = ended;
      updateMember(rollout, nodeId, 'outcome = ?, reason_code = ?, message = ?', outcome, reasonCode, message);
    },
    assign: (rollout, nodeId, { previous, generation, assignedMs, heardMs }) => {
      const columns =
        'previous_model = ?, previous_version = ?, previous_sha256 = ?, generation = ?, assigned_ms = ?, heard_ms = ?';
      updateMember(rollout, nodeId, columns, ...targetValues(previous), generation, assignedMs, heardMs);
    },
    revert: (rollout, nodeId, { revertGeneration, assignedMs, heardMs }) => {
      updateMember(
        rollout,
        nodeId,
        'revert_generation = ?, assigned_ms = ?, heard_ms = ?',
        revertGeneration,
        assignedMs,
        heardMs,
      );
    },
    startWave: ({ spec }, wave, nowMs) => {
      db.run(
        `UPDATE wave SET started_ms = ? WHERE ${ofRollout} AND number = ? AND started_ms = 0`,
        nowMs,
        spec.name,
        wave,
      );
    },
    passWave: ({ spec }, wave, nowMs) => {
      db.run(
        `UPDATE wave SET passed_ms = ? WHERE ${ofRollout} AND number = ? AND passed_ms = 0`,
        nowMs,
        spec.name,
        wave,
      );
    },
    setMember: (rollout, nodeId, part) => {
      const { columns, values } = assignments(memberColumns, part);
      if (columns !== '') updateMember(rollout, nodeId, columns, ...values);
    },
    setWave: ({ spec }, wave, part) => {
      const { columns, values } = assignments(waveColumns, part);
      if (columns === '') return;
      db.run(`UPDATE wave SET ${columns} WHERE ${ofRollout} AND number = ?`, ...values, spec.name, wave);
    },
    attempts: (manifestSha256) =>
      db.first(
        (row) => row.number('attempt'),
        `SELECT COALESCE(MAX(m.attempt), 0) AS attempt FROM rollout r JOIN member m ON m.rollout_id = r.id
         WHERE r.manifest_sha256 = ?`,
        manifestSha256,
      ) ?? 0,
    addMembers: ({ spec }, wave, nodeIds) => {
      for (const nodeId of nodeIds) {
        db.run(
          `INSERT INTO member (rollout_id, position, node_id, wave, attempt)
           SELECT r.id, COALESCE(MAX(m.position), 0) + 1, ?, ?, COALESCE(MAX(m.attempt), 1)
           FROM rollout r LEFT JOIN member m ON m.rollout_id = r.id WHERE r.name = ?`,
          nodeId,
          wave,
          spec.name,
        );
      }
    },
    renumber: (name, nodeId, before, generation) => {
      for (const column of ['generation', 'revert_generation']) {
        const update = `UPDATE member SET ${column} = ? WHERE ${ofRollout} AND node_id = ? AND ${column} = ?`;
        db.run(update, generation, name, nodeId, before);
      }
    },
  };
}

/** The columns of a field with their values. */
type Columns<T> = {
  readonly [K in keyof T]?: (value: T[K]) => readonly (readonly [column: string, value: SqlValue])[];
};

const memberColumns: Columns<Member> = {
  previous: (target) => {
    const [model, version, sha256] = targetValues(target);
    return [
      ['previous_model', model],
      ['previous_version', version],
      ['previous_sha256', sha256],
    ];
  },
  generation: (value) => [['generation', value]],
  assignedMs: (value) => [['assigned_ms', value]],
  heardMs: (value) => [['heard_ms', value]],
  outcome: (value) => [['outcome', value ?? '']],
  reasonCode: (value) => [['reason_code', value]],
  message: (value) => [['message', value]],
  revertGeneration: (value) => [['revert_generation', value]],
  back: (value) => [['back', Number(value)]],
  attempt: (value) => [['attempt', value]],
  acknowledged: (value) => [['acknowledged', Number(value)]],
};

const waveColumns: Columns<Wave> = {
  startedMs: (value) => [['started_ms', value]],
  settledMs: (value) => [['settled_ms', value]],
  passedMs: (value) => [['passed_ms', value]],
  evidence: (value) => [['evidence', value]],
  control: (value) => [['control', JSON.stringify(value)]],
};

/** `a = ?, b = ?` with the values, for the fields that `part` names. */
function assignments<T extends object>(
  known: Columns<T>,
  part: Partial<T>,
): { readonly columns: string; readonly values: readonly SqlValue[] } {
  const pairs = (Object.keys(part) as (keyof T)[]).flatMap((key) => known[key]?.(part[key] as T[keyof T]) ?? []);
  return { columns: pairs.map(([column]) => `${column} = ?`).join(', '), values: pairs.map(([, value]) => value) };
}

function addRollout(db: Database, { uid, spec, standing, plan, attempt, createdMs }: NewRollout): void {
  const named: SqlValue[] = [spec.name, uid, specBytes(spec), spec.target.manifestSha256];
  db.run(
    `INSERT INTO rollout (name, uid, spec, manifest_sha256, phase, wave, reason, message, blocked_on, since_ms, promoted, promoted_full, created_ms, updated_ms, revision)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    ...named,
    ...standingValues(standing),
    createdMs,
    createdMs,
  );
  const id = db.first((row) => row.integer('id'), 'SELECT id FROM rollout WHERE name = ?', spec.name) ?? 0n;
  let position = 0;
  for (const [index, nodeIds] of plan.entries()) {
    db.run('INSERT INTO wave (rollout_id, number) VALUES (?, ?)', id, index + 1);
    for (const nodeId of nodeIds) {
      position += 1;
      const insert = 'INSERT INTO member (rollout_id, position, node_id, wave, attempt) VALUES (?, ?, ?, ?, ?)';
      db.run(insert, id, position, nodeId, index + 1, attempt);
    }
  }
}

function writeStanding(db: Database, { spec, revision }: Rollout, standing: Standing, nowMs: number): void {
  const written = db.run(
    `UPDATE rollout SET phase = ?, wave = ?, reason = ?, message = ?, blocked_on = ?, since_ms = ?, promoted = ?, promoted_full = ?, updated_ms = ?, revision = revision + 1
     WHERE name = ? AND revision = ?`,
    ...standingValues(standing),
    nowMs,
    spec.name,
    revision,
  );
  if (written === 1) return;
  throw new AtollError('INTERNAL', `cannot write rollout ${spec.name}: its revision is no longer ${revision}`);
}

function standingValues(standing: Standing): SqlValue[] {
  const { phase, wave, reason, message, blockedOn, sinceMs, promoted, full } = standing;
  return [phase, wave, reason, message, JSON.stringify(blockedOn), sinceMs, promoted, Number(full)];
}

function readRollout(db: Database, row: Row): Rollout {
  const members = db.all(readMember, 'SELECT * FROM member WHERE rollout_id = ? ORDER BY position', row.integer('id'));
  return { ...readOutline(db, row), members };
}

function readOutline(db: Database, row: Row): RolloutOutline {
  return {
    uid: row.text('uid'),
    spec: specOf(row.bytes('spec'), row.text('manifest_sha256')),
    standing: {
      phase: row.text('phase') as Phase,
      wave: row.number('wave'),
      reason: row.text('reason'),
      message: row.text('message'),
      blockedOn: JSON.parse(row.text('blocked_on')) as string[],
      sinceMs: row.number('since_ms'),
      promoted: row.number('promoted'),
      full: row.number('promoted_full') === 1,
    },
    waves: db.all(readWave, 'SELECT * FROM wave WHERE rollout_id = ? ORDER BY number', row.integer('id')),
    createdMs: row.number('created_ms'),
    updatedMs: row.number('updated_ms'),
    revision: row.number('revision'),
  };
}

function readMember(row: Row): Member {
  const outcome = row.text('outcome');
  const previous: Target | undefined = targetOf(row, 'previous');
  return {
    nodeId: row.text('node_id'),
    wave: row.number('wave'),
    previous,
    generation: row.integer('generation'),
    assignedMs: row.number('assigned_ms'),
    heardMs: row.number('heard_ms'),
    outcome: outcome === '' ? undefined : (outcome as Outcome),
    reasonCode: row.text('reason_code'),
    message: row.text('message'),
    revertGeneration: row.integer('revert_generation'),
    back: row.number('back') === 1,
    attempt: row.number('attempt'),
    acknowledged: row.number('acknowledged') === 1,
  };
}

function readWave(row: Row): Wave {
  return {
    startedMs: row.number('started_ms'),
    settledMs: row.number('settled_ms'),
    passedMs: row.number('passed_ms'),
    evidence: row.text('evidence'),
    control: JSON.parse(row.text('control')) as Wave['control'],
  };
}
