import type { Command } from 'commander';
import type { FleetEvent } from '@atoll/proto/atoll/v1/rollout';
import type { Context } from '../context.js';
import { type Fleet, withFleet } from '../fleet.js';
import type { Machine } from '../machine.js';
import { isoTime, table } from '../table.js';
import { action, addVerb } from '../verb.js';

const pageSize = 10_000;

/** `atoll events`. */
export function addEvents(program: Command, machine: Machine): void {
  addVerb(program, 'events', 'list what happened in the fleet, with who and why, oldest first', 'atoll events').action(
    action<object>(machine, events),
  );
}

async function events(context: Context): Promise<void> {
  const found = await withFleet(context, (fleet) => allEvents(fleet, context.signal));
  context.result(
    found.map(({ offset, timeUnixMs, actor, kind, rollout, nodeId, message }) => ({
      offset,
      time: isoTime(timeUnixMs),
      actor,
      kind,
      rollout: rollout || null,
      node: nodeId || null,
      message,
    })),
    table(
      ['TIME', 'ACTOR', 'EVENT', 'ROLLOUT', 'NODE', 'MESSAGE'],
      found.map((event) => [
        isoTime(event.timeUnixMs) ?? '',
        event.actor,
        event.kind,
        event.rollout || '-',
        event.nodeId || '-',
        event.message,
      ]),
    ),
  );
}

async function allEvents({ rollout }: Fleet, signal: AbortSignal): Promise<readonly FleetEvent[]> {
  const found: FleetEvent[] = [];
  for (;;) {
    const fromOffset = (found.at(-1)?.offset ?? 0n) + 1n;
    const page = await rollout.listEvents({ fromOffset, pageSize }, { signal });
    found.push(...page.events);
    if (page.events.length < pageSize) return found;
  }
}
