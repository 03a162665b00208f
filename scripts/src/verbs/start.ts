import { join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import type { Machine, PartName } from '../part.js';
import { runChild } from '../run-child.js';
import { setUp } from '../setup.js';

/** `npm start`: brings what the main job needs and runs it; the person's own photos (--data) spare the download of ours. */
export async function start(args: readonly string[], machine: Machine): Promise<number> {
  const ownPhotos = args.some((arg) => arg === '--data' || arg.startsWith('--data=') || arg === '--help');
  const report = await setUp(partsForStart(ownPhotos), machine);
  if (!ownPhotos && report.cifar === undefined) {
    throw new AtollError('FAILED_PRECONDITION', 'cannot start without photos: name a folder, npm start -- --data DIR');
  }
  const job = join(machine.repository, 'cli/dist/demo/main.js');
  return runChild(process.execPath, ['--enable-source-maps', job, ...args], {
    cwd: machine.repository,
    env: machine.env,
    signal: machine.signal,
    channel: true,
  });
}

/** The parts that the main job uses. */
function partsForStart(ownPhotos: boolean): readonly PartName[] {
  const parts: readonly PartName[] = ['nats-server', 'litert', 'tflite', 'tensorflow'];
  return ownPhotos ? parts : [...parts, 'cifar'];
}
