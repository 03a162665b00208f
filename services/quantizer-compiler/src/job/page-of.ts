import type { QuantizeDetails } from '../report/details.js';
import type { QuantizeReport } from '../report/report.js';
import type { QuantizeJob } from './messages.js';

/** The page for people of a quantization; the drawing of charts takes a while to load, which only those wait for who want it. */
export async function pageOf(task: QuantizeJob, report: QuantizeReport, details: QuantizeDetails): Promise<string> {
  const { quantizationPage } = await import('../page/quantization-page.js');
  const name = task.model[0]?.name ?? 'the model';
  return quantizationPage({ name, report, details, choices: choicesOf(task), lineage: task.lineage });
}

/** The options as people read them; those that mean nothing in a mode are left out. */
function choicesOf(task: QuantizeJob): readonly (readonly [string, string])[] {
  const { mode, ranges, pixels, inputType, outputType, labels } = task;
  return [
    ['mode', mode],
    ...(mode === 'full-integer' ? [['ranges', ranges] as const] : []),
    ['pixels at the float input', pixels],
    ['input type', inputType],
    ['output type', outputType],
    ['labels given', String(labels.length)],
  ];
}
