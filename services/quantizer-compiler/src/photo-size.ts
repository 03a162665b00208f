// Which photos a model takes: colour where its only input is [1, height, width, 3], grey where it is [1, height, width, 1] or
// [1, height, width], whose bytes are the same.
import { AtollError } from '@atoll/base/error';
import { valueAt } from './graph/graph.js';
import type { Graph } from './graph/graph.js';
import type { PhotoSize } from './photo.js';

/** The photos that a model takes; null where it takes something else, of which only the weights can be quantized. */
export function findPhotoSize(graph: Graph): PhotoSize | null {
  const [input, second] = graph.inputs;
  if (input === undefined || second !== undefined) return null;
  const { shape } = valueAt(graph, input);
  const [batch, height = 0, width = 0, channels = 1] = shape;
  if (batch !== 1 || shape.length < 3 || shape.length > 4) return null;
  return channels === 1 || channels === 3 ? { height, width, channels } : null;
}

/** The photos that a model takes; INVALID_ARGUMENT where it takes something else. */
export function photoSize(graph: Graph): PhotoSize {
  const size = findPhotoSize(graph);
  if (size !== null) return size;
  const inputs = graph.inputs.map((index) => {
    const { name, shape } = valueAt(graph, index);
    return `${name} [${shape.join(', ')}]`;
  });
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot feed photos to a model of ${inputs.length === 1 ? 'input' : 'inputs'} ${inputs.join(' and ')}: one of [1, height, width, 3], or 1 for grey, is needed; dynamic-range and float16 need no photos`,
  );
}
