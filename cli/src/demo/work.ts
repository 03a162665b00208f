/** What the steps of the main job share once a fleet runs. */
import { join } from 'node:path';
import { RolloutServiceService } from '@atoll/proto/atoll/v1/rollout';
import { readPrivateKey } from '@atoll/release/keys';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import { keyPath } from '../context.js';
import type { Fleet } from '../fleet.js';
import type { Machine } from '../machine.js';
import type { Progress } from '../progress.js';
import type { FleetDescription } from '../up/fleet-file.js';
import type { DemoOptions } from './options.js';
import type { DemoPhotos } from './photos.js';
import type { Publisher } from './releases.js';
import { rollOut, type RolloutOutcome } from './roll-out.js';

/** What the main job has from its start. */
export interface Demo {
  readonly machine: Machine;
  readonly options: DemoOptions;
  readonly runDir: string;
  readonly progress: Progress;
  /** Begins a step. */
  readonly step: (title: string) => void;
}

/** A connection to each service. */
export interface Channels {
  readonly trainer: Channel;
  readonly quantizer: Channel;
  readonly registry: Channel;
  readonly rollout: Channel;
}

/** What the steps work with. */
export interface Work extends Demo {
  readonly photos: DemoPhotos;
  readonly nodes: FleetDescription['nodes'];
  readonly channels: Channels;
  readonly fleet: Fleet;
  readonly publisher: Publisher;
  /** Progress without bars, for steps that run side by side. */
  readonly quiet: Progress;
  /** Held-out photos whose predictions are shown. */
  readonly shown: readonly string[];
  /** Held-out photos that clients ask for. */
  readonly asked: readonly string[];
}

/** Name of the model in the registry. */
export const model = 'photos';

/** Opens a channel to each service. */
export function openChannels({ trainer, quantizerCompiler, registry, server }: FleetDescription): Channels {
  return {
    trainer: openChannel(trainer),
    quantizer: openChannel(quantizerCompiler),
    registry: openChannel(registry),
    rollout: openChannel(server),
  };
}

/** Everything that the steps work with. */
export async function prepareWork(
  demo: Demo,
  photos: DemoPhotos,
  description: FleetDescription,
  channels: Channels,
): Promise<Work> {
  const heldOut = photos.heldOut.paths.map((path) => join(photos.heldOut.root, path));
  return {
    ...demo,
    photos,
    nodes: description.nodes,
    channels,
    fleet: { server: description.server, rollout: channels.rollout.client(RolloutServiceService) },
    publisher: {
      registry: channels.registry,
      buildKey: await readPrivateKey(keyPath(description.dataDir, 'build.pem')),
      model,
      photoPaths: spread(heldOut, 16),
      env: demo.machine.env,
      signal: demo.machine.signal,
    },
    quiet: { ...demo.progress, step: () => undefined },
    shown: spread(heldOut, 3),
    asked: spread(heldOut, 24),
  };
}

/** Rolls a version of the main job's model out. */
export function rollOutVersion(
  { fleet, progress, machine }: Work,
  version: bigint,
  waves: readonly string[],
  soakMs: number,
): Promise<RolloutOutcome> {
  return rollOut(fleet, { model, version, waves, soakMs }, progress, machine.signal);
}

/** At most `count` items, evenly from all of them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  const many = Math.min(count, items.length);
  return Array.from({ length: many }, (_, index) => items[Math.floor((index * items.length) / many)]).filter(
    (item): item is T => item !== undefined,
  );
}
