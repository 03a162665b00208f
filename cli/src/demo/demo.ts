/** The steps of the main job in their order; each is a file of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figures } from './figures.js';
import { startFleetProcess } from './fleet-process.js';
import { choosePhotos } from './photos.js';
import { swapsUnderLoad } from './swaps-under-load.js';
import { releaseFirst, releaseSecond, trainFirst, trainSecond } from './two-versions.js';
import { type Demo, openChannels, prepareWork, type Work } from './work.js';

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
    for (const { id, address } of fleet.description.nodes) progress.line(`  ${id} at ${address}`);
    const channels = openChannels(fleet.description);
    try {
      const figures = await runOnFleet(await prepareWork(demo, photos, fleet.description, channels));
      return { ...figures, seconds: (performance.now() - startedMs) / 1000 };
    } finally {
      for (const channel of Object.values(channels)) channel.close();
    }
  } finally {
    progress.line('Ending the fleet');
    await fleet.stop();
  }
}

async function runOnFleet(work: Work): Promise<Omit<Figures, 'seconds'>> {
  const { photos, machine, step, nodes } = work;
  step('Training v1');
  const trained = await trainFirst(work);

  step('v1 to int8 and the Edge TPU; meanwhile v2 is trained with another seed');
  const giveUp = new AbortController();
  const second = trainSecond(work, AbortSignal.any([machine.signal, giveUp.signal]));
  // Waited for below; should a step before that fail, its own error is the one to tell.
  second.catch(() => undefined);
  try {
    const first = await releaseFirst(work);
    await second;
    step('v2 to int8, signed and stored');
    const { int8 } = await releaseSecond(work);
    const swaps = await swapsUnderLoad(work, first, int8);
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
      quantization: first.report,
      edgeTpu: first.plan,
      nodes: nodes.length,
      first: first.rollout,
      ...swaps,
    };
  } finally {
    // Its files must not be on their way when the run ends.
    giveUp.abort();
    await second.catch(() => undefined);
  }
}
