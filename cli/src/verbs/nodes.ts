import type { Command } from 'commander';
import type { Context } from '../context.js';
import { withFleet } from '../fleet.js';
import { allNodes, nodeState } from '../fleet-nodes.js';
import type { Machine } from '../machine.js';
import { isoTime, table } from '../table.js';
import { action, addVerb } from '../verb.js';

/** `atoll nodes`. */
export function addNodes(program: Command, machine: Machine): void {
  addVerb(program, 'nodes', 'list nodes with state, version and health', 'atoll nodes').action(
    action<object>(machine, nodes),
  );
}

async function nodes(context: Context): Promise<void> {
  const found = await withFleet(context, (fleet) => allNodes(fleet, context.signal));
  context.result(
    found.map((node) => ({
      id: node.id,
      labels: node.labels,
      state: nodeState(node),
      online: node.online,
      model: node.status?.model || null,
      version: node.status?.version || null,
      generation: node.status?.observedGeneration ?? 0n,
      backend: node.status?.backend || null,
      lastSeen: isoTime(node.lastSeenUnixMs),
      desiredVersion: node.desiredVersion || null,
      desiredGeneration: node.desiredGeneration,
      address: node.status?.address ?? null,
      reason: node.status?.reasonCode ?? '',
      health: node.status?.health ?? null,
    })),
    table(
      ['NODE', 'ONLINE', 'STATE', 'MODEL', 'BACKEND', 'REQUESTS', 'ERRORS', 'P99', 'ADDRESS'],
      found.map((node) => {
        const { status } = node;
        const health = status?.health;
        return [
          node.id,
          node.online ? 'yes' : 'no',
          nodeState(node),
          status === undefined || status.model === '' ? '-' : `${status.model} v${status.version}`,
          status?.backend || '-',
          String(health?.requests ?? 0n),
          String(health?.errors ?? 0n),
          health === undefined || health.requests === 0n ? '-' : `${health.p99Ms.toFixed(1)} ms`,
          status?.address ?? '-',
        ];
      }),
    ),
  );
}
