import { valueAt } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import type { Histogram as Counts } from '../calibrate/observer.js';
import type { CompletePlan } from '../quantize/plan-quantization.js';
import type { Histogram, TensorDetail } from '../report/details.js';
import type { TensorError } from './tensor-errors.js';

/** Bars of a histogram on the page. */
const bars = 64;

/** What is known of each activation, in the order of computation, inputs first. */
export function tensorDetails(plan: CompletePlan, judged: ReadonlyMap<string, TensorError>): readonly TensorDetail[] {
  const { graph, assigned, calibration, methods, replaced } = plan;
  const rows = [
    ...graph.inputs.map((index) => ({ index, op: 'INPUT', method: 'pixels' })),
    ...graph.ops.flatMap(({ kind, outputs }) => {
      const rule = opTable[kind]?.int8;
      const method = typeof rule === 'object' ? 'fixed' : rule === 'same' ? 'same as its input' : 'minmax';
      return outputs.map((index) => ({ index, op: kind, method }));
    }),
  ];
  return rows.flatMap(({ index, op, method }) => {
    const { name } = valueAt(graph, index);
    const params = assigned.get(index);
    if (params === undefined) return [];
    const {
      scale: [scale = 1],
      zeroPoint: [zeroPoint = 0],
    } = params;
    const error = judged.get(name);
    const chosen = replaced.has(name) ? 'logits' : method === 'minmax' ? (methods.get(name) ?? method) : method;
    const counts = calibration.histograms.get(name);
    const range = calibration.ranges.get(name);
    return [
      {
        name,
        op,
        min: scale * (-128 - zeroPoint),
        max: scale * (127 - zeroPoint),
        scale,
        zeroPoint,
        sqnrDb: error?.sqnrDb ?? null,
        clipped: error?.clipped ?? null,
        method: chosen,
        histogram: counts === undefined || range === undefined ? null : shortened(counts, range.min, range.max),
      },
    ];
  });
}

/** Only the part of the bins that holds values, in few bars. */
function shortened({ reach, counts }: Counts, least: number, greatest: number): Histogram {
  const width = (2 * reach) / counts.length;
  const first = Math.max(0, Math.floor((least + reach) / width));
  const last = Math.min(counts.length - 1, Math.floor((greatest + reach) / width));
  const perBar = Math.max(1, Math.ceil((last - first + 1) / bars));
  const result = Array.from({ length: Math.ceil((last - first + 1) / perBar) }, (_, bar) =>
    counts.subarray(first + bar * perBar, first + (bar + 1) * perBar).reduce((sum, count) => sum + count, 0),
  );
  const min = first * width - reach;
  return { min, max: min + result.length * perBar * width, counts: result };
}
