/** Seeded randomness: xoshiro128** (Blackman and Vigna, 2018), its state filled by SplitMix32 from the seed and the stream's name. */

/** A stream of random numbers; two streams with the same seed and name give the same numbers on every machine. */
export interface Random {
  /** 32 random bits as an unsigned integer. */
  bits(): number;
  /** Uniform in [0, 1), in steps of 2^-32. */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
}

/** Opens the stream that `seed` and the words of its name select, for example `randomStream(1, 'order', 3)`. */
export function randomStream(seed: number, ...name: readonly (string | number)[]): Random {
  let state = fnv1a(`${seed}/${name.join('/')}`);
  const fill = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [a, b, c, d] = [fill(), fill(), fill(), fill() | 1];
  const bits = (): number => {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return scrambled >>> 0;
  };
  const next = (): number => bits() / 0x1_0000_0000;
  return { bits, next, between: (low, high) => low + (high - low) * next() };
}

/** The numbers 0 to count - 1 in random order (Fisher and Yates). */
export function shuffled(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1));
    const swapped = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = swapped;
  }
  return order;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
