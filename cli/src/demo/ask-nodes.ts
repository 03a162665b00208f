import { basename } from 'node:path';
import { withChannel } from '../fleet.js';
import { inferEach } from '../infer-images.js';
import { predictionLine } from '../scores.js';
import type { FleetDescription } from '../up/fleet-file.js';

/** The scores of every class for every photo, as one node gives them. */
export type NodeScores = readonly ReadonlyMap<number, number>[];

/** Asks each node for each photo and says what it answers. */
export async function askNodes(
  nodes: FleetDescription['nodes'],
  model: string,
  photoPaths: readonly string[],
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const { id, address } of nodes) {
    await withChannel(address, async (channel) => {
      let index = 0;
      for await (const answer of inferEach(channel, photoPaths, { model, version: 0n, top: 1 }, signal)) {
        const file = basename(photoPaths[index++] ?? '');
        say(`  ${id}  ${predictionLine(file, answer.predictions[0], `  v${answer.version}  ${answer.backend}`)}`);
      }
    });
  }
}

/** The scores of every class that a node gives. */
export async function scoresOf(
  address: string,
  model: string,
  photoPaths: readonly string[],
  signal: AbortSignal,
): Promise<NodeScores> {
  const scores: ReadonlyMap<number, number>[] = [];
  await withChannel(address, async (channel) => {
    for await (const { predictions } of inferEach(channel, photoPaths, { model, version: 0n, top: 1_000 }, signal))
      scores.push(new Map(predictions.map(({ index, score }) => [index, score])));
  });
  return scores;
}

/** The largest difference of a score between two askings of the same photos. */
export function largestDifference(before: NodeScores, after: NodeScores): number {
  const differences = before.flatMap((scores, photo) =>
    [...scores].map(([index, score]) => Math.abs(score - (after[photo]?.get(index) ?? 0))),
  );
  return Math.max(0, ...differences);
}
