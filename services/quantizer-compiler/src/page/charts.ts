/** The charts of the page as plain data; their colours come from the page around them, light or dark. */
import type { Chart } from '@atoll/charts/draw';
import type { Histogram, TensorDetail } from '../report/details.js';
import { visible } from '../report/visible.js';

/** Colours that can be told apart in light and dark, and by people who see few. */
const calm = '#4c8bc4';
const loud = '#d95f02';

const paper = {
  background: 'transparent',
  config: {
    aria: false,
    font: 'system-ui, sans-serif',
    view: { stroke: null },
    axis: {
      labelColor: 'currentColor',
      titleColor: 'currentColor',
      domainColor: 'currentColor',
      tickColor: 'currentColor',
      gridColor: 'currentColor',
      gridOpacity: 0.15,
      labelFontSize: 11,
      labelLimit: 340,
    },
  },
} as const;

/** A bar a tensor, in the order of computation; the longer, the nearer to the float model. The costliest one is marked. */
export function sqnrChart(tensors: readonly TensorDetail[], costliest: string): Chart {
  const values = tensors.map(({ name, sqnrDb }, index) => ({
    // The place keeps two tensors apart whose names are equal when shortened.
    tensor: `${index + 1}  ${shortened(name)}`,
    sqnrDb,
    costliest: name === costliest,
  }));
  return {
    ...paper,
    data: { values },
    width: 420,
    height: { step: 16 },
    mark: 'bar',
    encoding: {
      y: { field: 'tensor', type: 'nominal', sort: null, title: null },
      x: { field: 'sqnrDb', type: 'quantitative', title: 'SQNR, dB' },
      color: { condition: { test: 'datum.costliest', value: loud }, value: calm },
    },
  };
}

/** How often values fell where, on a root scale because most lie near 0; rules mark the ends of the chosen range. */
export function histogramChart(
  histogram: Histogram,
  title: string,
  range: { readonly min: number; readonly max: number } | null,
): Chart {
  const { min, max, counts } = coarser(histogram);
  const width = (max - min) / counts.length;
  const values = counts.map((count, index) => ({ from: min + index * width, to: min + (index + 1) * width, count }));
  const ends = range === null ? [] : [{ at: range.min }, { at: range.max }];
  return {
    ...paper,
    width: 260,
    height: 110,
    layer: [
      {
        data: { values },
        mark: { type: 'bar', color: calm },
        encoding: {
          x: { field: 'from', type: 'quantitative', bin: 'binned', title, axis: { tickCount: 5 } },
          x2: { field: 'to' },
          y: { field: 'count', type: 'quantitative', scale: { type: 'sqrt' }, title: null, axis: { tickCount: 3 } },
        },
      },
      {
        data: { values: ends },
        mark: { type: 'rule', color: loud, strokeWidth: 2 },
        encoding: { x: { field: 'at', type: 'quantitative' } },
      },
    ],
  };
}

/** The same counts without the empty stretch at the end. */
export function withoutTail({ min, max, counts }: Histogram): Histogram {
  const kept = Math.max(1, counts.findLastIndex((count) => count > 0) + 1);
  return { min, max: min + ((max - min) / counts.length) * kept, counts: counts.slice(0, kept) };
}

/** The same counts in parts that a chart can show: neighbours together, 64 to 127 of them where there are more. */
export function coarser({ min, max, counts }: Histogram): Histogram {
  const together = Math.max(1, Math.floor(counts.length / 64));
  const parts = Math.ceil(counts.length / together);
  const joined = Array.from({ length: parts }, (_, part) =>
    counts.slice(part * together, (part + 1) * together).reduce((sum, count) => sum + count, 0),
  );
  // The last part may reach beyond the last count.
  return { min, max: min + ((max - min) / counts.length) * together * parts, counts: joined };
}

/** The end of a long name tells more than its beginning. */
function shortened(name: string): string {
  const text = visible(name);
  return text.length <= 40 ? text : `…${text.slice(-39)}`;
}
