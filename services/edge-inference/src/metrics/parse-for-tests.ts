/**
 * Reads Prometheus' text form as strictly as its own checker does, and throws at the first fault: a line that is none, a family
 * that is declared twice or late, a series that is there twice, a counter without _total, a histogram whose buckets do not rise to
 * its count. Format: prometheus.io, "Exposition formats", text format 0.0.4.
 */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly value: number;
  }[];
}

interface Family extends ParsedFamily {
  readonly samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** Every family by its name. */
export function parseMetrics(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the text does not end with a line feed');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: Family | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP') help = { name, text: rest };
      else {
        if (families.has(name)) throw new Error(`${name} is declared twice`);
        if (help?.name !== name) throw new Error(`${name} has no help`);
        current = { name, type: rest, help: help.text, samples: [] };
        families.set(name, current);
      }
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) throw new Error(`this is no line of the format: ${line}`);
    const [, name = '', labelText = '', valueText = ''] = sample;
    if (seen.has(`${name}{${labelText}}`)) throw new Error(`${name}{${labelText}} is there twice`);
    seen.add(`${name}{${labelText}}`);
    const suffixes = current?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (current === undefined || !suffixes.some((suffix) => name === current?.name + suffix)) {
      throw new Error(`${name} does not belong to ${current?.name}`);
    }
    const value = valueText === '+Inf' ? Infinity : Number(valueText);
    if (Number.isNaN(value) && valueText !== 'Nan') throw new Error(`${valueText} is no number: ${line}`);
    current.samples.push({ name, labels: labelsOf(labelText), value });
  }
  for (const family of families.values()) check(family);
  return families;
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const rest = text.replace(
    /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g,
    (_all: string, name: string, value: string) => {
      if (name in labels) throw new Error(`label ${name} is there twice`);
      labels[name] = value.replace(/\\(.)/g, (_escape: string, letter: string) => (letter === 'n' ? '\n' : letter));
      return '';
    },
  );
  if (rest !== '') throw new Error(`these are no labels: ${text}`);
  return labels;
}

function check({ name, type, samples }: ParsedFamily): void {
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`counter ${name} does not end in _total`);
  if (type === 'counter' && samples.some(({ value }) => value < 0)) throw new Error(`counter ${name} is negative`);
  if (type !== 'histogram') return;
  const bySeries = new Map<string, { rising: number[]; count: number | undefined }>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    const series = bySeries.get(key) ?? { rising: [], count: undefined };
    bySeries.set(key, series);
    if (sample.name === `${name}_bucket`) {
      if (le === undefined) throw new Error(`a bucket of ${name} has no le`);
      series.rising.push(sample.value);
    }
    if (sample.name === `${name}_count`) series.count = sample.value;
  }
  for (const [key, { rising, count }] of bySeries) {
    if (rising.some((value, index) => value < (rising[index - 1] ?? 0)))
      throw new Error(`${name} ${key} does not rise`);
    if (count === undefined || rising.at(-1) !== count) throw new Error(`${name} ${key} does not rise to its count`);
  }
}
