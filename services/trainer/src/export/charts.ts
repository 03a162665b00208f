/** The charts of a run as plain data. */
import type { Chart } from '@atoll/charts/draw';
import type { EpochRecord } from '../job/messages.js';
import type { Confusion } from './confusion.js';

/** Accuracy and loss over the epochs, training and validation, side by side. */
export function historyChart(epochs: readonly EpochRecord[]): Chart {
  const values = epochs.flatMap(({ epoch, loss, accuracy, valLoss, valAccuracy }) => [
    { epoch, set: 'training', loss, accuracy },
    { epoch, set: 'validation', loss: valLoss, accuracy: valAccuracy },
  ]);
  const panel = (field: 'accuracy' | 'loss', title: string) => ({
    title,
    width: 320,
    height: 240,
    mark: { type: 'line' as const, point: true },
    encoding: {
      x: { field: 'epoch', type: 'quantitative' as const, axis: { tickMinStep: 1, format: 'd' }, title: 'epoch' },
      y: { field, type: 'quantitative' as const, title: field, scale: { zero: false } },
      color: { field: 'set', type: 'nominal' as const, title: null },
    },
  });
  return {
    background: 'white',
    data: { values },
    hconcat: [panel('accuracy', 'Accuracy'), panel('loss', 'Loss')],
  };
}

/** The confusion matrix: a row a true class, a column a predicted one, coloured by the share of the row. */
export function confusionChart({ classes, counts, set, accuracy }: Confusion): Chart {
  const values = classes.flatMap((truth, t) => {
    const row = counts[t] ?? [];
    const all = row.reduce((a, b) => a + b, 0);
    return classes.map((prediction, p) => ({
      truth,
      prediction,
      count: row[p] ?? 0,
      share: all === 0 ? 0 : (row[p] ?? 0) / all,
    }));
  });
  const x = { field: 'prediction', type: 'nominal' as const, sort: [...classes], title: 'prediction' };
  const y = { field: 'truth', type: 'nominal' as const, sort: [...classes], title: 'truth' };
  return {
    background: 'white',
    title: `${set}: ${(accuracy * 100).toFixed(1)} % right`,
    width: { step: 56 },
    height: { step: 40 },
    data: { values },
    layer: [
      {
        mark: 'rect',
        encoding: { x, y, color: { field: 'share', type: 'quantitative', scale: { scheme: 'blues', domain: [0, 1] } } },
      },
      {
        mark: 'text',
        encoding: {
          x,
          y,
          text: { field: 'count', type: 'quantitative' },
          color: { condition: { test: 'datum.share > 0.5', value: 'white' }, value: 'black' },
        },
      },
    ],
  };
}
