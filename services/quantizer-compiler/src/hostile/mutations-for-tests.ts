// Hostile files: what a bad disk, a broken writer or someone who means harm does to the files of a model. A mutant follows from
// its base and its seed alone. Bytes are cut, flipped, blanked, moved, repeated and overwritten with absurd lengths and with
// offsets that lead elsewhere; trees (JSON and the parts of a .tflite) get extreme numbers and names, and lose, repeat and swap
// their elements, so that they pass the first reader and hurt a later one.
import { appendZip, readZip } from '@atoll/tflite/zip';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import type { ModelFiles } from '../import/layers-model.js';
import { seededRandom } from '../test-models.js';

/** Gives numbers in [0, 1). */
export type Random = () => number;

/** A mutated model and how it was made. */
export interface Mutant {
  readonly files: ModelFiles;
  readonly how: string;
}

/** The mutant of a base under a seed. */
export function mutate(base: ModelFiles, seed: number): Mutant {
  const random = seededRandom(seed);
  const names = [...base.keys()];
  const name = pick(random, names);
  const bytes = base.get(name) ?? new Uint8Array();
  const [how, mutated] = mutateFile(random, name, bytes);
  const files = new Map([...base, [name, mutated] as const]);
  if (random() < 0.02 && names.length > 1) files.delete(pick(random, names));
  return { files, how: `${name}: ${how}` };
}

function mutateFile(random: Random, name: string, bytes: Uint8Array): readonly [string, Uint8Array] {
  const tree = random() < 0.6;
  if (tree && name.endsWith('.json')) return ['tree', mutateJson(random, bytes)];
  if (tree && name.endsWith('.tflite')) {
    const model = times<unknown>(random, 3, readModel(bytes), (value) => mutateTree(random, value));
    return ['tree', writable(model) ?? mutateBytes(random, bytes)[1]];
  }
  if (tree && name.endsWith('.keras')) return ['entry', mutateZip(random, bytes)];
  if (tree && name.endsWith('.h5')) return ['text', mutateText(random, bytes)];
  return mutateBytes(random, bytes);
}

/** A tree may be beyond what the format can hold; then there is no such file. */
function writable(model: unknown): Uint8Array | null {
  try {
    return writeModel(model as ReturnType<typeof readModel>);
  } catch {
    return null;
  }
}

function mutateJson(random: Random, bytes: Uint8Array): Uint8Array {
  const tree: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const text = JSON.stringify(times<unknown>(random, 3, tree, (value) => mutateTree(random, value))) ?? 'null';
  if (random() < 0.05) return encode(text.replace(/\d+/, `${'['.repeat(50_000)}1${']'.repeat(50_000)}`));
  return encode(text);
}

/** One entry of a zip is mutated by its own kind, and the zip is whole again. */
function mutateZip(random: Random, bytes: Uint8Array): Uint8Array {
  const entries = readZip(bytes, 'the base', 1e9);
  const chosen = pick(random, entries);
  const changed = entries.map((entry) =>
    entry === chosen ? { name: entry.name, data: mutateFile(random, entry.name, entry.data)[1] } : entry,
  );
  if (random() < 0.05) changed.push(chosen);
  return appendZip(new Uint8Array(), changed);
}

const letters = [...Buffer.from('0123456789-.e,:[]{}"ntf ')];

/** Letters and digits of the longest run of printable text (the topology in a .h5) are changed, its length is not. */
function mutateText(random: Random, bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const runs = [...text.matchAll(/[ -~]{64,}/g)];
  const longest = runs.reduce<RegExpMatchArray | undefined>(
    (best, run) => (run[0].length > (best?.[0].length ?? 0) ? run : best),
    undefined,
  );
  const copy = Uint8Array.from(bytes);
  if (longest?.index === undefined) return copy;
  for (let change = 0; change < 1 + random() * 6; change++) {
    const at = longest.index + Math.floor(random() * longest[0].length);
    copy[at] = pick(random, letters);
  }
  return copy;
}

type ByteMutation = (random: Random, bytes: Uint8Array) => Uint8Array;

const byteMutations: Readonly<Record<string, ByteMutation>> = {
  cut: (random, bytes) => bytes.subarray(0, place(random, bytes)),
  'cut-front': (random, bytes) => bytes.subarray(place(random, bytes)),
  empty: () => new Uint8Array(),
  bits: (random, bytes) =>
    changed(bytes, (copy) => {
      for (let count = 1 + random() * 20; count > 0; count--) {
        const at = place(random, copy);
        copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      }
    }),
  zeros: (random, bytes) => changed(bytes, (copy) => block(random, copy).fill(0)),
  ones: (random, bytes) => changed(bytes, (copy) => block(random, copy).fill(255)),
  noise: (random, bytes) =>
    changed(bytes, (copy) => {
      const part = block(random, copy);
      for (let at = 0; at < part.length; at++) part[at] = Math.floor(random() * 256);
    }),
  length: (random, bytes) =>
    words(random, bytes, (view, at) => {
      view.setUint32(at, pick(random, [0xffffffff, 0x7fffffff, 0x80000000, 0x10000000, 0xfffffffc, 1, 0]), true);
    }),
  offset: (random, bytes) =>
    words(random, bytes, (view, at) => {
      const target = 4 * Math.floor(random() * Math.floor(view.byteLength / 4));
      view.setUint32(at, Math.max(0, target - at), true);
    }),
  shared: (random, bytes) =>
    words(random, bytes, (view, at) => {
      const from = 4 * Math.floor((random() * at) / 4);
      const target = from + view.getUint32(from, true);
      if (target > at && target < view.byteLength) view.setUint32(at, target - at, true);
    }),
  swap: (random, bytes) =>
    words(random, bytes, (view, at) => {
      const other = 4 * Math.floor(random() * Math.floor(view.byteLength / 4));
      const kept = view.getUint32(at, true);
      view.setUint32(at, view.getUint32(other, true), true);
      view.setUint32(other, kept, true);
    }),
  repeat: (random, bytes) => {
    const [from, to] = span(random, bytes);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to)]);
  },
  lose: (random, bytes) => {
    const [from, to] = span(random, bytes);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
};

function mutateBytes(random: Random, bytes: Uint8Array): readonly [string, Uint8Array] {
  const how = pick(random, Object.keys(byteMutations));
  return [how, byteMutations[how]?.(random, bytes) ?? bytes];
}

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  change(copy);
  return copy;
}

function words(random: Random, bytes: Uint8Array, change: (view: DataView, at: number) => void): Uint8Array {
  return changed(bytes, ({ buffer, length }) => {
    const view = new DataView(buffer);
    if (length < 8) return;
    for (let count = 1 + random() * 4; count > 0; count--) {
      change(view, 4 * Math.floor(random() * Math.floor(length / 4)));
    }
  });
}

/** Half of the places are near the ends, where formats keep what leads to the rest. */
function place(random: Random, { length }: Uint8Array): number {
  const at = Math.floor(random() * (random() < 0.5 ? length : Math.min(length, 2048)));
  return random() < 0.5 ? at : length - 1 - at;
}

function span(random: Random, bytes: Uint8Array): readonly [from: number, to: number] {
  const from = place(random, bytes);
  return [from, Math.min(bytes.length, from + 1 + Math.floor(random() * 256))];
}

function block(random: Random, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(...span(random, bytes));
}

/** Changes one node somewhere in a tree of arrays, objects, numbers, texts and bytes. */
function mutateTree(random: Random, value: unknown): unknown {
  if (value instanceof Uint8Array) return mutateBytes(random, value)[1];
  if (Array.isArray(value) && value.length > 0 && random() < 0.85) {
    const at = Math.floor(random() * value.length);
    return (value as readonly unknown[]).map((one, index) => (index === at ? mutateTree(random, one) : one));
  }
  if (Array.isArray(value)) return mutateArray(random, value);
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0 && random() < 0.95) {
    const key = pick(random, Object.keys(value));
    return { ...value, [key]: mutateTree(random, (value as Readonly<Record<string, unknown>>)[key]) };
  }
  if (typeof value === 'number' && random() < 0.9) return pick(random, numbers)(value);
  if (typeof value === 'bigint') return pick(random, [0n, -1n, 2n ** 62n, -(2n ** 62n), value + 1n]);
  if (typeof value === 'boolean' && random() < 0.9) return !value;
  if (typeof value === 'string' && random() < 0.9) return pick(random, texts)(value);
  return pick(random, strangers);
}

function mutateArray(random: Random, value: readonly unknown[]): readonly unknown[] {
  const one = value.length === 0 ? 7 : pick(random, value);
  const mutations: readonly (() => readonly unknown[])[] = [
    () => [],
    () => [...value, one],
    () => value.slice(1),
    () => value.slice(0, -1),
    () => value.toReversed(),
    () => Array.from({ length: typeof one === 'object' ? 100 : 20_000 }, () => one),
    () => [one],
  ];
  return pick(random, mutations)();
}

const numbers: readonly ((value: number) => number)[] = [
  () => 0,
  () => -1,
  () => 1,
  () => 2 ** 31 - 1,
  () => -(2 ** 31),
  () => 1e9,
  () => 65_536,
  () => 0.5,
  () => 1e308,
  () => 2 ** 53,
  () => -1e-9,
  (value) => value + 1,
  (value) => value - 1,
  (value) => -value,
  (value) => value * 1000,
];

const texts: readonly ((value: string) => string)[] = [
  () => '',
  () => '__proto__',
  () => 'constructor',
  () => 'toString',
  () => '../../etc/passwd',
  () => 'a\nb\u001b[2J\u202ec',
  (value) => value.repeat(2),
  (value) => value.toUpperCase(),
  (value) => value.slice(1),
  () => 'x'.repeat(20_000),
  () => 'same',
];

const strangers: readonly unknown[] = [null, undefined, 0, -1, '', 'x', true, [], {}, [[]], [null], { name: {} }];

function times<T>(random: Random, most: number, value: T, change: (value: T) => T): T {
  let current = value;
  for (let count = 1 + Math.floor(random() * most); count > 0; count--) current = change(current);
  return current;
}

function pick<T>(random: Random, all: readonly T[]): T {
  const chosen = all[Math.floor(random() * all.length)];
  if (chosen === undefined && all.length === 0) throw new RangeError('there is nothing to pick from');
  return chosen as T;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
