// Where the rules leave it open whether an operator maps: sizes and versions that no document and no log decides. Each row says
// between which known cases the open ground lies. A plan still guesses, and says that it does.
import type { BuiltinName } from '@atoll/tflite/ops';
import { constantInts, flowing, growth } from './op-view.js';
import type { OpView } from './op-view.js';
import { elements, meanSize } from './rules.js';
import type { MappingRule } from './rules.js';
import { refusedAbove, supportedOp } from './supported-ops.js';

/** One reason to doubt a verdict. */
export interface Caution {
  readonly id: string;
  readonly ops: readonly BuiltinName[] | 'any';
  readonly source: string;
  /** The rule whose edge is not known; null when it doubts that an operator maps at all. */
  readonly about: string | null;
  /** True when the verdict on this operator is a guess. */
  readonly doubts: (op: OpView) => boolean;
}

const resizes: readonly BuiltinName[] = ['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR'];

/** All cautions, in the order in which they are asked. */
export const cautions: readonly Caution[] = [
  {
    id: 'resize-growth',
    ops: resizes,
    source: 'doublings map, enlargements by 16 and more stay on the CPU; between them nothing is known',
    about: 'far-resize',
    doubts: (op) => growth(op) > 2 && growth(op) < 16,
  },
  {
    id: 'resize-size',
    ops: resizes,
    source: 'google-coral/edgetpu issue 31: to 128x128 maps, to 512x512 does not; between them nothing is known',
    about: 'large-resize',
    doubts: ({ outputs }) => {
      const side = Math.max(...(outputs[0]?.tensor.shape.slice(1, 3) ?? [0]));
      return side > 128 && side < 512;
    },
  },
  {
    id: 'reshape-size',
    ops: ['RESHAPE'],
    source: 'google-coral/edgetpu issue 512: about 261,120 values map, 587,520 do not; between them nothing is known',
    about: 'large-reshape',
    doubts: ({ outputs }) => {
      const count = elements(outputs[0]?.tensor.shape);
      return count > 261_120 && count < 587_520;
    },
  },
  {
    id: 'mean-size',
    ops: ['MEAN'],
    source: 'google-coral/edgetpu issue 461: a mean over 8,192 values maps, one over 32,768 does not',
    about: 'large-mean',
    doubts: (op) => meanSize(op) > 8_192 && meanSize(op) < 32_768,
  },
  {
    id: 'transpose-channels',
    ops: ['TRANSPOSE'],
    source: 'published code: a transpose of 64 channels of 32x32 to the innermost place stays on the CPU',
    about: null,
    doubts: ({ inputs }) => {
      const order = constantInts(inputs[1]);
      return order === null || order.at(-1) !== order.length - 1;
    },
  },
  {
    id: 'wide-dense',
    ops: ['FULLY_CONNECTED'],
    source: 'CHANGES.md of feranick/libcoral: 100,000 outputs do not compile; another report has 98,000 mapped',
    about: null,
    doubts: ({ outputs }) => (outputs[0]?.tensor.shape.at(-1) ?? 0) > 65_536,
  },
  {
    id: 'not-in-the-table',
    ops: ['TILE'],
    source: "not in the vendor's table, but inside a compiled DeepLab",
    about: null,
    doubts: () => true,
  },
  {
    id: 'unseen-version',
    ops: 'any',
    source: 'no log shows whether compiler 16 takes this version',
    about: 'op-version',
    doubts: ({ name, version }) =>
      version > (supportedOp(name)?.newestVersion ?? version) && !Object.hasOwn(refusedAbove, name),
  },
];

/** The first caution against the verdict on an operator that `rule` keeps off (undefined: that maps), or undefined. */
export function cautionAbout(op: OpView, rule: MappingRule | undefined): Caution | undefined {
  if (flowing(op).some(({ tensor }) => tensor.type !== 'int8' && tensor.type !== 'uint8')) return undefined;
  return cautions.find(
    (one) =>
      (one.ops === 'any' || one.ops.some((name) => name === op.name)) &&
      (rule === undefined || one.about === rule.id) &&
      one.doubts(op),
  );
}
