import type { Graph } from '../graph/graph.js';
import { addBias } from './add-bias.js';
import { centreLogits } from './centre-logits.js';
import { foldScaling } from './fold-scaling.js';
import { fuseActivations } from './fuse-activation.js';
import { compact } from '../graph/rewrite.js';

/** A rewriting step that keeps what the model computes, up to float rounding. */
export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/** The passes in their order. */
export const passes: readonly Pass[] = [
  { name: 'compact', run: compact },
  { name: 'add-bias', run: addBias },
  { name: 'fold-scaling', run: foldScaling },
  { name: 'fuse-activation', run: fuseActivations },
  { name: 'centre-logits', run: centreLogits },
];
