// The page for people of one quantization: self-contained, without a script and without anything to fetch, so that it can be
// mailed, archived and printed. Warnings come first, then the figures, then what explains them.
import { drawSvg } from '@atoll/charts/draw';
import type { Lineage } from '../cache/lineage.js';
import { costliest, measured } from '../report/costliest.js';
import type { Histogram, QuantizeDetails, TensorDetail } from '../report/details.js';
import type { QuantizeReport } from '../report/report.js';
import { histogramChart, sqnrChart, withoutTail } from './charts.js';
import { html, type Markup, trusted } from './html.js';
import {
  borderSection,
  classSection,
  count,
  edgeTpuSection,
  figureSection,
  lineageSection,
  percent,
  tensorSection,
  warningSection,
  worstSection,
} from './sections.js';
import { style } from './style.js';

/** What the page tells of. */
export interface PageContent {
  /** The model's file name. */
  readonly name: string;
  readonly report: QuantizeReport;
  readonly details: QuantizeDetails;
  /** The options in words, name and value. */
  readonly choices: readonly (readonly [string, string])[];
  readonly lineage: Lineage;
}

const maxBars = 60;
const maxHistograms = 12;

/** Builds the page. */
export async function quantizationPage(content: PageContent): Promise<string> {
  const { name, report, details, choices, lineage } = content;
  const worst = costliest(details.tensors);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>Quantization of ${name}</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <main>
          <h1>Quantization of ${name}</h1>
          <p class="quiet">${report.mode}, ${count(report.parameters)} parameters</p>
          ${warningSection(report.warnings)} ${figureSection(report)} ${borderSection(report)}
          ${classSection(details.perClass)} ${worstSection(details.worst)} ${await errorFigure(details.errorHistogram)}
          ${await sqnrFigure(details.tensors, worst)} ${await rangeFigures(details.tensors)}
          ${tensorSection(details.tensors, worst?.name ?? '')}
          ${report.mode === 'full-integer' && edgeTpuSection(report.edgeTpu)} ${lineageSection(choices, lineage)}
        </main>
      </body>
    </html> `;
  return page.html;
}

async function errorFigure(errors: Histogram | null): Promise<Markup | null> {
  if (errors === null) return null;
  const chart = histogramChart(withoutTail(errors), 'difference of a score', null);
  return html`<h2>Differences of scores</h2>
    ${await figure(chart, 'How often the scores of the two models differ by how much', 'On a root scale: one count is seen beside a thousand.')}`;
}

async function sqnrFigure(
  tensors: readonly TensorDetail[],
  worst: (TensorDetail & { sqnrDb: number }) | undefined,
): Promise<Markup | null> {
  const all = measured(tensors);
  if (all.length === 0) return null;
  const lowest = new Set(all.toSorted((a, b) => a.sqnrDb - b.sqnrDb).slice(0, maxBars));
  const shown = all.filter((tensor) => lowest.has(tensor));
  const left = all.length - shown.length;
  return html`<h2>Signal over error, layer by layer</h2>
    ${
      worst !== undefined &&
      html`<p>
        Farthest from the float model is <code class="mark">${worst.name}</code> (${worst.op}):
        ${worst.sqnrDb.toFixed(1)} dB.
      </p>`
    }
    ${
      all.some(({ method }) => method === 'logits') &&
      html`<p class="quiet">
        Logits do not count here: their range is narrowed on purpose where the softmax behind them loses nothing by it.
      </p>`
    }
    <p class="quiet">Each 6 dB are one bit; a layer carries what the layers before it have lost already.</p>
    ${await figure(sqnrChart(shown, worst?.name ?? ''), 'SQNR of each layer in decibels, in the order of computation', left === 0 ? '' : `The ${shown.length} lowest; ${left} better ones are left out here.`)}`;
}

async function rangeFigures(tensors: readonly TensorDetail[]): Promise<Markup | null> {
  const shown = tensors
    // A pool or a reshape has the values and the range of what it reads.
    .filter(({ method }) => method !== 'same as its input')
    .filter(({ histogram }) => histogram !== null && histogram.counts.length > 0 && histogram.max > histogram.min)
    .sort((a, b) => (a.sqnrDb ?? Infinity) - (b.sqnrDb ?? Infinity))
    .slice(0, maxHistograms);
  if (shown.length === 0) return null;
  const figures: Markup[] = [];
  for (const { name, op, min, max, method, clipped, histogram } of shown) {
    if (histogram === null) continue;
    const lost = clipped === null ? '' : `, ${percent(clipped, 2)} clipped`;
    const caption = `${name} (${op}): ${min.toPrecision(4)} to ${max.toPrecision(4)} by ${method}${lost}`;
    figures.push(await figure(histogramChart(histogram, '', { min, max }), `Values of ${name} and its range`, caption));
  }
  return html`<h2>Values and chosen ranges</h2>
    <p class="quiet">
      The ${figures.length} layers of least signal over error. Bars: values on the representative photos, on a root
      scale. Lines: the ends of the range.
    </p>
    <div class="grid">${figures}</div>`;
}

async function figure(chart: Parameters<typeof drawSvg>[0], label: string, caption: string): Promise<Markup> {
  return html`<figure>
    <div role="img" aria-label="${label}">${trusted(await drawSvg(chart))}</div>
    ${caption !== '' && html`<figcaption>${caption}</figcaption>`}
  </figure>`;
}
