/**
 * The verdicts on a rollout's nodes from one look to the next. A node is judged again when something is new of it or of its
 * part; nodes that wait for something are judged again at each sweep, because time alone may change that; and all are now
 * and then, so that nothing rests on having been told.
 */
import { type MemberChange, memberChange } from './decide/changes.js';
import { Board } from './decide/board.js';
import { classifyMember, type Verdict } from './decide/classify.js';
import type { FleetView } from './decide/fleet-view.js';
import type { Member, Rollout } from './decide/rollout.js';

/** What came of judging again. */
export interface Judged {
  /** The verdicts on all nodes. */
  readonly board: Board;
  readonly changes: readonly MemberChange[];
  /** False when neither verdicts nor rollout nor fleet are other than at the last time. */
  readonly isNew: boolean;
}

/** What one look knows of time and news. */
export interface Occasion {
  readonly news: ReadonlySet<string>;
  /** 'open': nodes that wait are judged again; 'all': every node is. */
  readonly sweep: 'none' | 'open' | 'all';
}

/** Verdicts of one rollout. */
export interface Tracking {
  judge(rollout: Rollout, fleet: FleetView, occasion: Occasion): Judged;
}

/** A tracking that has judged nobody. */
export function createTracking(): Tracking {
  let members: readonly Member[] = [];
  let board = new Board(0);
  let positions: ReadonlyMap<string, number> = new Map();
  let open = new Set<number>();
  let seen: Rollout | undefined;
  let seenFleet = '';

  /** Members that were written, and nodes with news. */
  const touched = (rollout: Rollout, news: ReadonlySet<string>): Set<number> => {
    const found = new Set<number>();
    // By index: this runs over a whole fleet.
    for (let index = 0; rollout.members !== members && index < members.length; index++) {
      if (rollout.members[index] !== members[index]) found.add(index);
    }
    for (const nodeId of news) {
      const position = positions.get(nodeId);
      if (position !== undefined) found.add(position);
    }
    return found;
  };
  /** Calls `judgeOne` once for each that is due. */
  const visit = (
    rollout: Rollout,
    fleet: FleetView,
    { news, sweep }: Occasion,
    judgeOne: (index: number) => void,
  ): void => {
    if (sweep === 'all' || members.length !== rollout.members.length) {
      for (let index = 0; index < rollout.members.length; index++) judgeOne(index);
      return;
    }
    const found = touched(rollout, news);
    for (const index of found) judgeOne(index);
    if (sweep === 'none' && stateOf(fleet) === seenFleet) return;
    for (const index of open) if (!found.has(index)) judgeOne(index);
  };

  return {
    judge: (rollout, fleet, occasion) => {
      if (members.length !== rollout.members.length) {
        positions = new Map(rollout.members.map(({ nodeId }, index) => [nodeId, index]));
        board = new Board(rollout.waves.length);
        open = new Set();
      }
      let isNew = rollout !== seen || stateOf(fleet) !== seenFleet;
      const changes: MemberChange[] = [];
      visit(rollout, fleet, occasion, (index) => {
        const member = rollout.members[index];
        if (member === undefined) return;
        const verdict = classifyMember(member, rollout.spec, fleet);
        if (!isSame(board.get(member.nodeId), verdict)) {
          isNew = true;
          board.place(verdict);
        }
        if (mayChangeByTime(verdict, member)) open.add(index);
        else open.delete(index);
        const change = memberChange(member, verdict, fleet);
        if (change !== undefined) changes.push(change);
      });
      ({ members } = rollout);
      seen = rollout;
      seenFleet = stateOf(fleet);
      return { board, changes, isNew: isNew || changes.length > 0 };
    },
  };
}

/** What of the fleet as a whole verdicts and decisions look at. */
function stateOf({ connected, silenceCounts, silent }: FleetView): string {
  return `${connected} ${silenceCounts} ${silent}`;
}

function mayChangeByTime({ state, waits, way }: Verdict, { outcome }: Member): boolean {
  if (way === 'under-way' || way === 'unreached') return true;
  // Timed out is final, short of a report, once it is written.
  return state === 'OFFLINE' || (state === 'TIMED_OUT' && outcome !== 'TIMED_OUT') || (waits && state !== 'PENDING');
}

function isSame(before: Verdict | undefined, now: Verdict): boolean {
  if (before === undefined) return false;
  for (const field of fields) if (before[field] !== now[field]) return false;
  return true;
}

/** All of a verdict's fields: none of them holds anything within. */
const fields = Object.keys({
  nodeId: 0,
  wave: 0,
  state: 0,
  reasonCode: 0,
  message: 0,
  waits: 0,
  acknowledged: 0,
  site: 0,
  exposed: 0,
  way: 0,
} satisfies Record<keyof Verdict, 0>) as readonly (keyof Verdict)[];
