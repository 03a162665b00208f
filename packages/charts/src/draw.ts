/** Drawing of charts as SVG, which needs no browser and no canvas; a chart itself is plain data. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** A chart as a Vega-Lite specification. */
export type Chart = TopLevelSpec;

/** Draws a chart as the text of an SVG file; text that the chart shows is escaped. */
export async function drawSvg(chart: Chart): Promise<string> {
  const view = new View(parse(compile(chart).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
