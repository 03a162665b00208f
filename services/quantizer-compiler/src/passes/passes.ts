import type { Graph } from '../graph/graph.js';
import { addBias } from './add-bias.js';
import { canonicalArithmetic } from './canonical-arithmetic.js';
import { centreLogits } from './centre-logits.js';
import { dropDead } from './drop-dead.js';
import { dropIdentities } from './drop-identities.js';
import { foldConstants } from './fold-constants.js';
import { foldScaling } from './fold-scaling.js';
import { fuseActivations } from './fuse-activation.js';
import { fusePad } from './fuse-pad.js';
import { scalingToDepthwise } from './scaling-to-depthwise.js';
import { separateOutputs } from './separate-outputs.js';

/** A rewriting step that keeps what the model computes, up to float rounding. */
export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/**
 * The passes in their order: each finds what the ones before leave in the spelling that it knows, and none makes work for one
 * before it, so that all of them run once. What they leave maps to the Edge TPU wherever its operations can.
 */
export const passes: readonly Pass[] = [
  { name: 'drop-dead', run: dropDead },
  { name: 'fold-constants', run: foldConstants },
  { name: 'canonical-arithmetic', run: canonicalArithmetic },
  { name: 'drop-identities', run: dropIdentities },
  { name: 'add-bias', run: addBias },
  { name: 'fold-scaling', run: foldScaling },
  { name: 'scaling-to-depthwise', run: scalingToDepthwise },
  { name: 'drop-identities', run: dropIdentities },
  { name: 'fuse-pad', run: fusePad },
  { name: 'fuse-activation', run: fuseActivations },
  { name: 'centre-logits', run: centreLogits },
  { name: 'separate-outputs', run: separateOutputs },
];
