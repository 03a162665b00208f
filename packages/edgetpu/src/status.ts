// The compiler's own words for what it did with an operator, as they stand in its operator table. A plan uses the same words,
// so that a person can compare the two line by line.

/** Status words of edgetpu_compiler. Source: logs of versions 2.0 to 16.0. */
export const statuses = {
  mapped: 'Mapped to Edge TPU',
  anotherSubgraph: 'More than one subgraph is not supported',
  limitation: 'Operation is otherwise supported, but not mapped due to some unspecified limitation',
  dataType: 'Operation is working on an unsupported data type',
  unsupported: 'Operation not supported',
  version: 'Operation version not supported',
  rank: 'Tensor has unsupported rank (up to 3 innermost dimensions mapped)',
} as const;

/** One of the compiler's status words. */
export type MappingStatus = (typeof statuses)[keyof typeof statuses];
