/** The steps of the main job in their order; each is a file of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@atoll/base/eventually';
import { AtollError } from '@atoll/base/error';
import { RolloutServiceService } from '@atoll/proto/atoll/v1/rollout';
import { readPrivateKey } from '@atoll/release/keys';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import { keyPath } from '../context.js';
import type { Fleet } from '../fleet.js';
import { allNodes } from '../fleet-nodes.js';
import type { Machine } from '../machine.js';
import type { Progress } from '../progress.js';
import { describeQuantization } from '../quantize-report.js';
import type { FleetDescription } from '../up/fleet-file.js';
import { askNodes, largestDifference } from './ask-nodes.js';
import type { Figures } from './figures.js';
import { startFleetProcess } from './fleet-process.js';
import { startLoad, swapFigures } from './load.js';
import type { DemoOptions } from './options.js';
import { choosePhotos, type DemoPhotos } from './photos.js';
import { quantizeModel } from './quantize-model.js';
import { publishGood, publishSlowing, publishWrong, type Publisher } from './releases.js';
import { rollOut } from './roll-out.js';
import { trainModel } from './train-model.js';

/** What the steps share. */
export interface Demo {
  readonly machine: Machine;
  readonly options: DemoOptions;
  readonly runDir: string;
  readonly progress: Progress;
  /** Begins a step. */
  readonly step: (title: string) => void;
}

const model = 'photos';
const epochs = { first: 4, second: 2 } as const;
const requestsOverSwap = 2_000;
const loadTimeoutMs = 120_000;
const soakMs = { first: 500, swap: 4_000, broken: 40_000 } as const;

/** Runs everything and gives the figures; whatever happens, no process is left. */
export async function runSteps(demo: Demo): Promise<Figures> {
  const { machine, options, runDir, step, progress } = demo;
  const { env, signal } = machine;
  const startedMs = performance.now();
  step('Photos');
  const photos = await choosePhotos(env, options.data);
  progress.line(`  ${photos.source}: ${photos.classes.join(', ')}`);
  await mkdir(runDir, { recursive: true });
  step('A fleet on this machine: trainer, quantizer-compiler, registry, rollout controller, nats-server, nodes');
  const fleet = await startFleetProcess({ env, dataDir: join(runDir, 'fleet'), nodes: options.nodes }, signal);
  try {
    const { description } = fleet;
    for (const { id, address } of description.nodes) progress.line(`  ${id} at ${address}`);
    const channels = openChannels(description);
    try {
      const figures = await withFleet(demo, photos, description, channels);
      return { ...figures, seconds: (performance.now() - startedMs) / 1000 };
    } finally {
      for (const channel of Object.values(channels)) channel.close();
    }
  } finally {
    progress.line('Ending the fleet');
    await fleet.stop();
  }
}

interface Channels {
  readonly trainer: Channel;
  readonly quantizer: Channel;
  readonly registry: Channel;
  readonly rollout: Channel;
}

function openChannels({ trainer, quantizerCompiler, registry, server }: FleetDescription): Channels {
  return {
    trainer: openChannel(trainer),
    quantizer: openChannel(quantizerCompiler),
    registry: openChannel(registry),
    rollout: openChannel(server),
  };
}

async function withFleet(
  demo: Demo,
  photos: DemoPhotos,
  description: FleetDescription,
  channels: Channels,
): Promise<Omit<Figures, 'seconds'>> {
  const { machine, options, runDir, step, progress } = demo;
  const { env, signal } = machine;
  const { nodes } = description;
  const at = (name: string): string => join(runDir, name);

  step('Training v1');
  const first = { label: 'v1', seed: options.seed, epochs: epochs.first, runDir: at('v1') };
  const trained = await trainModel(channels.trainer, photos, first, progress, signal);

  step('v1 to int8 and the Edge TPU; meanwhile v2 is trained with another seed');
  const quiet: Progress = { ...progress, step: () => undefined };
  const second = { label: 'v2', seed: options.seed + 1, epochs: epochs.second, runDir: at('v2') };
  const trainedSecond = trainModel(channels.trainer, photos, second, quiet, signal);
  // Waited for below; should a step before that fail, its own error is the one to tell.
  trainedSecond.catch(() => undefined);
  try {
    const v1 = await quantizeModel(
      channels.quantizer,
      photos,
      { runDir: at('v1'), outDir: at('v1-int8'), compare: true },
      quiet,
      signal,
    );
    progress.line(indented(describeQuantization(v1.report)));

    step(`v1 signed, stored and rolled out to ${nodes.length} nodes`);
    const heldOut = photos.heldOut.paths.map((path) => join(photos.heldOut.root, path));
    const publisher: Publisher = {
      registry: channels.registry,
      buildKey: await readPrivateKey(keyPath(description.dataDir, 'build.pem')),
      model,
      photoPaths: everyNth(heldOut, 16),
      env,
      signal,
    };
    const goldenOfFirst = await publishGood(publisher, 1n, v1.int8);
    const fleet: Fleet = { server: description.server, rollout: channels.rollout.client(RolloutServiceService) };
    const roll = (version: bigint, waves: readonly string[], soak: number) =>
      rollOut(fleet, { model, version, waves, soakMs: soak }, progress, signal);
    const firstRollout = await roll(1n, ['100%'], soakMs.first);
    const shown = everyNth(heldOut, 3);
    const before = await askNodes(nodes, model, shown, (text) => progress.line(text), signal);

    await trainedSecond;
    step('v2 to int8, signed and stored');
    const v2 = await quantizeModel(
      channels.quantizer,
      photos,
      { runDir: at('v2'), outDir: at('v2-int8'), compare: false },
      quiet,
      signal,
    );
    await publishGood(publisher, 2n, v2.int8);

    step('v2 rolled out in 2 waves while clients ask every node');
    const load = await startLoad(nodes, model, everyNth(heldOut, 24));
    try {
      const answers = (count: number): Promise<void> =>
        eventually(
          () => {
            signal.throwIfAborted();
            if (load.asked.length < count)
              throw new AtollError(
                'DEADLINE_EXCEEDED',
                `cannot go on: ${load.asked.length} of ${count} requests are answered`,
              );
          },
          loadTimeoutMs,
          50,
        );
      await answers(60 * nodes.length);
      const swap = await roll(2n, ['1', '100%'], soakMs.swap);
      await answers(requestsOverSwap);
      const swapped = swapFigures(
        [...load.asked],
        nodes.map(({ id }) => id),
        { from: 1n, to: 2n },
      );
      const after = await askNodes(nodes, model, shown, (text) => progress.line(text), signal);

      step('v3: signed and loadable, but its answers are not those that its release promises');
      await publishWrong(publisher, 3n, v2.int8, goldenOfFirst);
      const wrong = await roll(3n, ['1', '100%'], soakMs.swap);
      step('v4: right answers, but it turns more than 10 times slower after a few seconds');
      await publishSlowing(publisher, 4n, v2.int8);
      const slow = await roll(4n, ['1', '100%'], soakMs.broken);
      const atEnd = await allNodes(fleet, signal);
      await load.stop();

      return {
        photos: {
          source: photos.source,
          known: photos.known,
          classes: photos.classes,
          training: photos.training.paths.length,
          validation: photos.validation.paths.length,
          heldOut: photos.heldOut.paths.length,
        },
        training: {
          engine: trained.dataset.engine,
          parameters: Number(trained.dataset.parameters),
          images: trained.dataset.trainingImages,
          validationAccuracy: trained.epochs.map(({ validationAccuracy }) => validationAccuracy),
          imagesPerSecond: trained.epochs.at(-1)?.imagesPerSecond ?? 0,
        },
        quantization: v1.report,
        edgeTpu: v1.plan,
        nodes: nodes.length,
        first: firstRollout,
        swap,
        load: { ...swapped, clients: load.clients },
        scoreDifference: largestDifference(before, after),
        wrong,
        slow,
        versionsAtEnd: atEnd.map(({ status }) => Number(status?.version ?? 0n)),
        requests: load.asked.length,
        failedRequests: load.asked.filter(({ version }) => version === undefined).length,
      };
    } finally {
      await load.stop();
    }
  } finally {
    // It follows the same signal; its files must not be on their way when the run ends.
    await trainedSecond.catch(() => undefined);
  }
}

function everyNth<T>(items: readonly T[], count: number): readonly T[] {
  const many = Math.min(count, items.length);
  return Array.from({ length: many }, (_, index) => items[Math.floor((index * items.length) / many)]).filter(
    (item): item is T => item !== undefined,
  );
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
