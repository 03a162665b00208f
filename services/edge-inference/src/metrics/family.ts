/** Labels of one sample; a value that does not apply is the empty text, which Prometheus takes as the label's absence. */
export type Labels = Readonly<Record<string, string>>;

/** One number of a family; `name` where it is not the family's own, as in the parts of a histogram. */
export interface Sample {
  readonly name?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A metric as Prometheus knows it, with all its samples. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}
