/*
 * Ways in which a model file can be damaged: by a download that ended early, a bad disk, a tool with a bug, or somebody who
 * tries what the loader does. Each is a pure function of the bytes and a seed, so that a case has a name and comes back.
 */

/** One way. */
type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

/** Whole numbers in [0, n), from a seed. */
type Random = (n: number) => number;

/** All ways by name. Those of the file as a whole, then those in place, which leave its length and most of its structure. */
const mutations: Readonly<Record<string, Mutation>> = {
  truncate: (bytes, below) => bytes.subarray(0, below(bytes.length)),
  'truncate-tail': (bytes, below) => bytes.subarray(0, bytes.length - 1 - below(Math.min(512, bytes.length - 1))),
  empty: () => new Uint8Array(0),
  random: (bytes, below) => bytes.map(() => below(256)),
  'random-behind-magic': (bytes, below) => bytes.map((byte, i) => (i < 8 ? byte : below(256))),
  'flip-one': (bytes, random) => flip(bytes, random, 1),
  'flip-many': (bytes, random) => flip(bytes, random, 64),
  'zero-512': (bytes, random) => fill(bytes, random, 512, 0),
  'zero-64': (bytes, random) => fill(bytes, random, 64, 0),
  'ones-16': (bytes, random) => fill(bytes, random, 16, 0xff),
  'bytes-4': (bytes, random) => splice(bytes, random(bytes.length - 4), randomBytes(4, random)),
  'int32-edge': (bytes, below) => {
    const edges = [-1, 0, 1, 0x7fffffff, -0x80000000, 0xffff, 1 << 24, bytes.length];
    const value = new Uint8Array(Int32Array.of(edges[below(edges.length)] ?? 0).buffer);
    return splice(bytes, 4 * below(Math.floor(bytes.length / 4)), value);
  },
  'int32-nudge': (bytes, below) => {
    const at = 4 * below(Math.floor(bytes.length / 4) - 1);
    const changed = bytes.slice();
    const view = new DataView(changed.buffer);
    view.setInt32(at, (view.getInt32(at, true) + below(33) - 16) | 0, true);
    return changed;
  },
  swap: (bytes, below) => {
    const size = 32;
    const [a, b] = [below(bytes.length - size), below(bytes.length - size)];
    return splice(splice(bytes, a, bytes.subarray(b, b + size)), b, bytes.subarray(a, a + size));
  },
  repeat: (bytes, below) => {
    const at = below(bytes.length - 64);
    return new Uint8Array(Buffer.concat([bytes.subarray(0, at + 64), bytes.subarray(at)]));
  },
};

/** A damaged file and what was done to it. */
export interface Mutated {
  readonly kind: string;
  readonly seed: number;
  readonly bytes: Uint8Array;
}

/** The first `count` damaged files: every way in turn, each time with another seed. */
export function mutatedFiles(bytes: Uint8Array, count: number): readonly Mutated[] {
  const ways = Object.entries(mutations);
  return Array.from({ length: count }, (_, seed) => {
    const [kind, mutation] = ways[seed % ways.length] ?? ['none', () => bytes];
    return { kind, seed, bytes: mutation(bytes, randomOf(seed)) };
  });
}

function flip(bytes: Uint8Array, below: Random, bits: number): Uint8Array {
  const changed = bytes.slice();
  for (let i = 0; i < bits; i++) {
    const at = below(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << below(8));
  }
  return changed;
}

function fill(bytes: Uint8Array, below: Random, size: number, value: number): Uint8Array {
  const at = below(Math.max(1, bytes.length - size));
  return bytes.slice().fill(value, at, at + size);
}

function splice(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed.set(part, at);
  return changed;
}

function randomBytes(size: number, below: Random): Uint8Array {
  return Uint8Array.from({ length: size }, () => below(256));
}

/** The low-bias 32-bit mix of a counter. */
function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b9) >>> 0;
  return (n) => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return Math.floor((((x ^ (x >>> 15)) >>> 0) / 2 ** 32) * n);
  };
}
