/** `atoll bench quantize`: int8 files by Atoll and by its peers, from the same float nets and photos, judged on the same other photos. */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinned } from '@atoll/base/cache';
import type { Context } from '../context.js';
import {
  type Conversion,
  convertByAtoll,
  convertByPeers,
  peerFile,
  peerFiles,
  type PeerPythons,
  prepareForPeers,
} from './convert-net.js';
import type { BenchFigure } from './figure.js';
import { judgeFiles } from './judge-files.js';
import { type BenchNet, timedNets } from './nets.js';
import { aiEdgePeer, type Peer, peerPython, tensorflowPeer } from './peer-python.js';
import { netFigures, type NetResult } from './quantize-figures.js';

/** What to measure. */
export interface QuantizeBench {
  readonly nets: readonly BenchNet[];
  readonly ranges: readonly string[];
  readonly samples: number;
  readonly runs: number;
  /** The file in each net's folder that Atoll starts from. */
  readonly model: string;
  /** The peers' files of an earlier bench are taken as they are; their time is not measured. */
  readonly keepPeers: boolean;
}

/** Measures every net, and hands each over as soon as it is done. */
export async function benchQuantize(
  bench: QuantizeBench,
  context: Context,
  onNet: (result: NetResult) => void,
): Promise<readonly BenchFigure[]> {
  const pythons = bench.keepPeers ? { tensorflow: undefined, aiEdge: undefined } : await findPeers(context);
  const figures: BenchFigure[] = [];
  const machine = { cpu: cpus()[0]?.model.trim() ?? '', cores: cpus().length, node: process.version };
  for (const net of bench.nets) {
    const result = await benchNet(net, bench, pythons, context);
    onNet(result);
    figures.push(
      ...netFigures(result, { ...machine, samples: bench.samples, runs: bench.runs, litert: pinned.liteRt }),
    );
  }
  return figures;
}

async function benchNet(
  net: BenchNet,
  bench: QuantizeBench,
  pythons: PeerPythons,
  context: Context,
): Promise<NetResult> {
  const { env, signal, progress } = context;
  const temporary = await mkdtemp(join(tmpdir(), 'atoll-bench-'));
  try {
    const photos = join(temporary, 'photos.npy');
    const conversions: Conversion[] = [];
    for (const ranges of bench.ranges) {
      progress.line(`${net.name}: atoll ${ranges}`);
      const options = { ranges, samples: bench.samples, model: bench.model };
      conversions.push(await convertByAtoll(net, options, bench.runs, env, signal));
    }
    if (pythons.tensorflow !== undefined) {
      progress.line(`${net.name}: peers`);
      await prepareForPeers(net, pythons.tensorflow, photos, env, signal);
      conversions.push(...(await convertByPeers(net, pythons, photos, bench.runs, env, signal)));
    } else {
      conversions.push(...(await keptFiles(net)));
    }
    const float = peerFile(net, 'float.tflite');
    if (timedNets.includes(net.name) || !(await isThere(float))) return { net, conversions, judged: undefined };
    const judged = await judgeFiles(
      {
        float,
        files: new Map(conversions.map(({ maker, file }) => [maker, file])),
        photos: join(net.folder, 'eval'),
        labels: net.labels,
      },
      env,
      (done, total) => progress.step({ label: `judge ${net.name}`, done, total, unit: 'photos' }),
      signal,
    );
    return { net, conversions, judged };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function keptFiles(net: BenchNet): Promise<readonly Conversion[]> {
  const kept: Conversion[] = [];
  for (const [maker, name] of peerFiles) {
    const file = peerFile(net, name);
    const taken = { seconds: null, processSeconds: null, cpuSeconds: null, peakRssBytes: null };
    if (await isThere(file)) kept.push({ maker, file, ours: false, ...taken });
  }
  return kept;
}

async function findPeers(context: Context): Promise<PeerPythons> {
  const find = async (peer: Peer): Promise<string | undefined> => {
    const found = await peerPython(peer, context.env, true);
    if ('python' in found) return found.python;
    context.err(`without the peer ${peer.requirement}: ${found.skip}\n`);
    return undefined;
  };
  return { tensorflow: await find(tensorflowPeer), aiEdge: await find(aiEdgePeer) };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
