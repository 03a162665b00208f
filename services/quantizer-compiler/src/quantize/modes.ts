/** What becomes of a float model, the default first: all of it int8, only its weights int8, or only its weights half-precision. */
export const quantizeModes = ['full-integer', 'dynamic-range', 'float16'] as const;

/** One of the modes. */
export type QuantizeMode = (typeof quantizeModes)[number];
