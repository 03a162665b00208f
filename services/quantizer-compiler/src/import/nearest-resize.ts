// Nearest-neighbour resizing with half-pixel centres is version 3 of the operator, which the Edge TPU compiler refuses; without them
// it is version 2. Where an image grows by whole factors both pick the same pixels.
import { valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';

/** Takes half-pixel centres out of every resize where they change nothing. */
export function plainNearestResize(graph: Graph): Graph {
  return { ...graph, ops: graph.ops.map((op) => (changesNothing(graph, op) ? plain(op) : op)) };
}

function plain(op: Op): Op {
  return { ...op, options: { type: 'ResizeNearestNeighborOptions', alignCorners: false, halfPixelCenters: false } };
}

function changesNothing(graph: Graph, { options, inputs, outputs }: Op): boolean {
  if (options?.type !== 'ResizeNearestNeighborOptions' || !options.halfPixelCenters || options.alignCorners)
    return false;
  const [, ...from] = valueAt(graph, inputs[0] ?? -1).shape;
  const [, ...to] = valueAt(graph, outputs[0] ?? -1).shape;
  return [0, 1].every((axis) => picksSame(from[axis] ?? 0, to[axis] ?? 0));
}

/** Whether both ways pick the same source for each place, in the float32 arithmetic of the kernels. */
function picksSame(from: number, to: number): boolean {
  if (to > mostPlaces || to % from !== 0) return false;
  const scale = Math.fround(from / to);
  for (let place = 0; place < to; place++) {
    const centred = Math.floor(Math.fround((place + 0.5) * scale));
    if (Math.min(centred, from - 1) !== Math.min(Math.floor(Math.fround(place * scale)), from - 1)) return false;
  }
  return true;
}

/** No image is larger; a hostile size is not worth counting through. */
const mostPlaces = 65_536;
