// Constants as the evaluators see them, and the walk over their places.

/** The elements of a constant in row-major order. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Elements between neighbours along each axis. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** Elements of `shape`, each read from `data` at start + sum over axes of place * step. */
export function pick(
  shape: readonly number[],
  data: ArrayLike<number>,
  start: number,
  steps: readonly number[],
): Float64Array {
  const picked = new Float64Array(shape.reduce((product, size) => product * size, 1));
  eachPlace(shape, (places, at) => {
    let from = start;
    for (let axis = 0; axis < places.length; axis++) from += (places[axis] ?? 0) * (steps[axis] ?? 0);
    picked[at] = data[from] ?? 0;
  });
  return picked;
}

/** Visits every place of a shape in row-major order; `places` is one array, reused. */
export function eachPlace(shape: readonly number[], visit: (places: readonly number[], at: number) => void): void {
  const count = shape.reduce((product, size) => product * size, 1);
  const places = shape.map(() => 0);
  for (let at = 0; at < count; at++) {
    visit(places, at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (places[axis] ?? 0) + 1;
      places[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
}
