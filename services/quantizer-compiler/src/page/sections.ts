/** The sections of the page, each from the part of the report that it shows; markup only, no charts. */
import type { Lineage } from '../cache/lineage.js';
import type { ClassDetail, TensorDetail, WorstPhoto } from '../report/details.js';
import type { BorderReport, PlanSummary, QuantizeReport } from '../report/report.js';
import { html, type Markup, type Piece } from './html.js';

/** Rows of a table that a page can hold; more are in report.json. */
const maxRows = 2000;

/** What to look at first. */
export function warningSection(warnings: readonly string[]): Markup {
  if (warnings.length === 0) return html`<p>Nothing to warn of.</p>`;
  return html`<section class="warnings" aria-label="Warnings">
    <strong>${warnings.length === 1 ? 'One warning' : `${warnings.length} warnings`}</strong>
    <ul>
      ${warnings.map((warning) => html`<li>${warning}</li>`)}
    </ul>
  </section>`;
}

/** The figures that most people want. */
export function figureSection(report: QuantizeReport): Markup {
  const { sizeBytes, floatSizeBytes, seconds, calibrationImages } = report;
  const compared = report.eval;
  return html`<ul class="figures">
    ${figure('file', `${count(sizeBytes)} bytes`, `${(floatSizeBytes / sizeBytes).toFixed(2)} times smaller than ${count(floatSizeBytes)}`)}
    ${compared !== undefined && figure('agreement', percent(compared.agreement), `with the float model, on ${count(compared.images)} photos`)}
    ${compared?.int8Top1 !== undefined && compared.floatTop1 !== undefined && figure('right', percent(compared.int8Top1), `float: ${percent(compared.floatTop1)}`)}
    ${compared !== undefined && figure('mean error of a score', compared.meanAbsError.toFixed(4), `at most ${compared.maxAbsError.toFixed(4)}`)}
    ${figure('made in', `${seconds.toFixed(1)} s`, calibrationImages === 0 ? 'nothing to calibrate' : `calibrated on ${count(calibrationImages)} photos`)}
  </ul>`;
}

function figure(name: string, value: string, note: string): Markup {
  return html`<li><span class="quiet">${name}</span><strong>${value}</strong><span class="quiet">${note}</span></li> `;
}

/** What goes in and out, with the arithmetic of the integers. */
export function borderSection(report: QuantizeReport): Markup {
  return html`<h2>Input and output</h2>
    ${table(['', 'name', 'type', 'shape', 'scale', 'zero point'], [borderRow('input', report.input), borderRow('output', report.output)])}
    ${[report.input, report.output].some(({ scale }) => scale !== null) && html`<p class="quiet">real = scale × (integer − zero point); integer = round(real ÷ scale) + zero point, cut to the type's range.</p>`}`;
}

function borderRow(side: string, { name, type, shape, scale, zeroPoint }: BorderReport): readonly Piece[] {
  return [
    side,
    html`<code>${name}</code>`,
    type,
    `[${shape.join(', ')}]`,
    scale === null ? '–' : String(scale),
    zeroPoint === null ? '–' : String(zeroPoint),
  ];
}

/** How each class fares; the classes on which the two models differ most come first. */
export function classSection(classes: readonly ClassDetail[]): Markup | null {
  if (classes.length === 0) return null;
  const share = (part: number, { images }: ClassDetail): string => (images === 0 ? '–' : percent(part / images));
  const sorted = classes.toSorted((a, b) => disagreement(b) - disagreement(a));
  return html`<h2>Classes</h2>
    <p class="quiet">The class on which the two models differ most comes first.</p>
    ${table(
      ['class', '#photos', '#float right', '#quantized right', '#agreement'],
      sorted.map((one) => [
        one.label,
        count(one.images),
        share(one.floatRight, one),
        share(one.int8Right, one),
        share(one.agree, one),
      ]),
      sorted.map((one) => one.int8Right < one.floatRight),
    )}`;
}

function disagreement({ images, agree }: ClassDetail): number {
  return images === 0 ? 0 : 1 - agree / images;
}

/** The photos that are worth a look. */
export function worstSection(worst: readonly WorstPhoto[]): Markup | null {
  if (worst.length === 0) return null;
  return html`<h2>Photos that differ most</h2>
    ${table(
      ['photo', 'float says', 'quantized says', '#largest difference of a score'],
      worst.map((one) => [html`<code>${one.photo}</code>`, one.float, one.int8, one.error.toFixed(4)]),
      worst.map((one) => one.float !== one.int8),
    )}`;
}

/** Every activation's parameters. */
export function tensorSection(tensors: readonly TensorDetail[], costliest: string): Markup | null {
  if (tensors.length === 0) return null;
  return html`<h2>All ranges</h2>
    ${table(
      ['tensor', 'written by', '#min', '#max', '#scale', '#zero point', 'range by', '#clipped', '#SQNR, dB'],
      tensors.map((one) => [
        html`<code>${one.name}</code>`,
        one.op,
        short(one.min),
        short(one.max),
        short(one.scale),
        one.zeroPoint,
        one.method,
        one.clipped === null ? '–' : percent(one.clipped, 2),
        one.sqnrDb === null ? '–' : one.sqnrDb.toFixed(1),
      ]),
      tensors.map(({ name }) => name === costliest),
    )}`;
}

/** What the Edge TPU gets. */
export function edgeTpuSection({ ops, onEdgeTpu, onCpu, subgraphs, onChipBytes, offChipBytes }: PlanSummary): Markup {
  return html`<h2>Edge TPU plan</h2>
    <p>
      ${onEdgeTpu} of ${onEdgeTpu + onCpu} operators go to the Edge TPU, in ${subgraphs}
      ${subgraphs === 1 ? 'part' : 'parts'}; ${count(onChipBytes)} bytes of parameters stay on the chip,
      ${count(offChipBytes)} are streamed. This is a plan by the documented rules, not a compilation.
    </p>
    ${table(
      ['operator', '#count', 'status'],
      ops.map((one) => [one.op, one.count, one.status]),
    )}`;
}

/** What was asked for, and everything that it was made from. */
export function lineageSection(choices: readonly (readonly [string, string])[], lineage: Lineage): Markup {
  const { model, dataset, evalDataset, samples, seed, runtime, code } = lineage;
  const digests: (readonly [string, string])[] = [
    ...model.map(({ name, sha256 }) => [`model ${name}`, sha256] as const),
    ...(dataset === null
      ? []
      : [['representative photos', `${dataset}, ${samples} of them at most, drawn with seed ${seed}`] as const]),
    ...(evalDataset === null ? [] : [['photos for comparison', evalDataset] as const]),
    ...(runtime === null ? [] : [['models run by', runtime] as const]),
    ["Atoll's code", code],
  ];
  return html`<h2>Options and lineage</h2>
    ${table(['option', 'value'], choices)}
    ${table(
      ['made from', 'SHA-256'],
      digests.map(([name, digest]) => [name, html`<code>${digest}</code>`]),
    )}`;
}

/** A table; a heading that begins with # is of numbers, a marked row is one to look at. */
function table(
  headings: readonly string[],
  rows: readonly (readonly Piece[])[],
  marked: readonly boolean[] = [],
): Markup {
  const numeric = headings.map((heading) => heading.startsWith('#'));
  const cell = (piece: Piece, at: number): Markup =>
    numeric[at] === true ? html`<td class="n">${piece}</td>` : html`<td>${piece}</td>`;
  return html`<div class="wide">
      <table>
        <thead>
          <tr>
            ${headings.map((heading, at) =>
              numeric[at] === true
                ? html`<th scope="col" class="n">${heading.slice(1)}</th>`
                : html`<th scope="col">${heading}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, maxRows).map(
            (row, at) => html`<tr${marked[at] === true && html` class="mark"`}>${row.map(cell)}</tr>
`,
          )}
        </tbody>
      </table>
    </div>
    ${rows.length > maxRows && html`<p class="quiet">${rows.length - maxRows} more are in report.json.</p>`}`;
}

/** A whole number with separators. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** A share as a percentage. */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(5)));
}
