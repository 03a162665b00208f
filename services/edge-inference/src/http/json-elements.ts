import { AtollError } from '@atoll/base/error';
import type { Elements } from '../infer/tensors.js';

/**
 * The elements of a JSON tensor, row-major: a flat list as it is, a nested one when its lists are as long as the shape says.
 * INVALID_ARGUMENT for anything that is no number, true or false, and for nesting that is not the shape's.
 */
export function flatElements(data: unknown, shape: readonly number[], name: string): Elements {
  const refuse = (reason: string): AtollError =>
    new AtollError('INVALID_ARGUMENT', `cannot infer: the data of input ${name} ${reason}`);
  if (!Array.isArray(data)) throw refuse('is not a JSON array');
  if (!Array.isArray(data[0])) {
    const bad = (data as readonly unknown[]).findIndex((value) => !isElement(value));
    if (bad < 0) return data as Elements;
    throw refuse(`has an element ${bad} that is no number, true or false`);
  }
  const flat: (number | boolean)[] = [];
  const walk = (list: readonly unknown[], depth: number): void => {
    if (list.length !== shape[depth]) {
      throw refuse(
        `has ${list.length} entries at depth ${depth} where the shape [${shape.join(', ').slice(0, 200)}] has ${shape[depth] ?? 'no dimension'}`,
      );
    }
    const isLast = depth === shape.length - 1;
    for (const value of list) {
      if (isLast && isElement(value)) flat.push(value);
      else if (!isLast && Array.isArray(value)) walk(value as readonly unknown[], depth + 1);
      else throw refuse(`is not nested as the shape [${shape.join(', ').slice(0, 200)}] is`);
    }
  };
  walk(data as readonly unknown[], 0);
  return flat;
}

function isElement(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}
