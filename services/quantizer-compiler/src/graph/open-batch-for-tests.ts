import { elementCount } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';

/** Adds Flatten as Keras exports it where the batch is open: the batch is read from the shape of `x`, the rest is known. The new shape is called `targetName`. */
export function flattenOpenBatch(builder: GraphBuilder, x: number, targetName: string): number {
  const { shape } = builder.at(x);
  const size = elementCount(shape.slice(1));
  const whole = (name: string, of: readonly number[]): number =>
    builder.value({ name, type: 'int32', shape: of, data: null, quantization: null });
  const sizes = whole('shape', [shape.length]);
  builder.op('SHAPE', [x], [sizes], { type: 'ShapeOptions', outType: 2 });
  const batch = whole('batch', []);
  const one = (name: string, at: number): number => builder.ints(name, [1], [at]);
  builder.op('STRIDED_SLICE', [sizes, one('begin', 0), one('end', 1), one('step', 1)], [batch], {
    type: 'StridedSliceOptions',
    beginMask: 0,
    endMask: 0,
    ellipsisMask: 0,
    newAxisMask: 0,
    shrinkAxisMask: 1,
    offset: false,
  });
  const target = whole(targetName, [2]);
  builder.op('PACK', [batch, builder.ints('rest', [], [size])], [target], {
    type: 'PackOptions',
    valuesCount: 2,
    axis: 0,
  });
  const flat = builder.activation('flat', [1, size]);
  builder.op('RESHAPE', [x, target], [flat], { type: 'ReshapeOptions', newShape: [] });
  return flat;
}
