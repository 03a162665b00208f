import { AtollError } from '@atoll/base/error';
import type { Machine, PartName } from '../part.js';
import { partNames } from '../part.js';
import { setUp } from '../setup.js';

/** `setup [PART…]`: the set-up alone, of the named parts or of all; images are made with it. */
export async function setup(args: readonly string[], machine: Machine): Promise<number> {
  await setUp(args.length === 0 ? partNames : args.map(parsePartName), machine);
  return 0;
}

function parsePartName(text: string): PartName {
  const found = partNames.find((name) => name === text);
  if (found !== undefined) return found;
  throw new AtollError('INVALID_ARGUMENT', `cannot set up ${text}: it is none of ${partNames.join(', ')}`);
}
