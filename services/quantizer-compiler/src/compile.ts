// The compiler on one page: from a float model and representative photos to a full-integer .tflite and its report.
//   import -> verify -> passes -> calibrate -> plan -> quantize -> write -> edgetpu -> report
// Each stage takes what the one before gave and changes nothing else; every graph is verified before the next stage sees it,
// and `onGraph` can print it. What touches the world (running models, decoding photos) comes in through the ports.
import { planEdgeTpu } from '@atoll/edgetpu/plan';
import { appendLabels, withClassifierMetadata } from '@atoll/tflite/metadata';
import { writeModel } from '@atoll/tflite/write';
import { AtollError } from '@atoll/base/error';
import { observePhotos } from './run/observe-photos.js';
import { splitPhotos } from './calibrate/split-photos.js';
import { compareModels } from './judge/compare-models.js';
import { noComparison } from './judge/comparison.js';
import { judgeTensors } from './judge/judge-tensors.js';
import { tensorDetails } from './judge/tensor-details.js';
import { photoWarnings, tensorWarnings } from './judge/warnings.js';
import { parameterCount, valueAt } from './graph/graph.js';
import type { Graph } from './graph/graph.js';
import { printGraph } from './graph/print.js';
import { verify } from './graph/verify.js';
import { importModel } from './import/import-model.js';
import type { ModelFiles } from './import/layers-model.js';
import { matchHardSwish } from './passes/match-hard-swish.js';
import { passes } from './passes/passes.js';
import { findPhotoSize, photoSize } from './photo-size.js';
import type { Photo, PhotoSize } from './photo.js';
import { toDynamicRange } from './quantize/dynamic-range.js';
import { toFloat16 } from './quantize/float16.js';
import type { QuantizeMode } from './quantize/modes.js';
import { inputParams, pixelNormalization } from './quantize/params.js';
import type { PixelRange } from './quantize/params.js';
import { planUniformly } from './quantize/plan-quantization.js';
import type { RangeChoice } from './quantize/plan-quantization.js';
import { quantizeGraph } from './quantize/quantize.js';
import type { BorderType } from './quantize/borders.js';
import type { QuantizeDetails, TensorDetail } from './report/details.js';
import { borderReport, countOps, evalReport, planSummary, tensorReports } from './report/report.js';
import type { QuantizeReport } from './report/report.js';
import type { CompilePorts } from './stages.js';
import { tuneModel } from './tune/tune-model.js';
import { writeTfLite } from './write/write-tflite.js';

/** What to quantize, and how. */
export interface QuantizeRequest {
  readonly files: ModelFiles;
  readonly mode: QuantizeMode;
  /** Representative photos, already drawn. */
  readonly photos: readonly Photo[];
  /** Others of their kind, to choose by where ranges are `auto`; of few, some of `photos` are taken. */
  readonly heldOut: readonly Photo[];
  /** Photos to compare float and int8 on; none, no comparison. */
  readonly evalPhotos: readonly Photo[];
  readonly labels: readonly string[];
  readonly pixels: PixelRange;
  readonly ranges: RangeChoice;
  readonly inputType: BorderType;
  readonly outputType: BorderType;
}

/** The files that a quantization makes. */
export interface QuantizeResult {
  readonly int8: Uint8Array;
  readonly float: Uint8Array;
  readonly report: QuantizeReport;
  /** What the page for people shows beside the report. */
  readonly details: QuantizeDetails;
}

/** Quantizes a model. */
export async function quantizeModel(request: QuantizeRequest, ports: CompilePorts): Promise<QuantizeResult> {
  const startedMs = ports.nowMs();
  const warnings: string[] = [];
  const graph = await floatGraph(request.files, ports);
  const needsPhotos = request.mode === 'full-integer' || request.evalPhotos.length > 0;
  const size = needsPhotos ? photoSize(graph) : findPhotoSize(graph);
  checkLabels(graph, request.labels);

  const made =
    request.mode === 'full-integer'
      ? await fullInteger(graph, photoSize(graph), request, ports, warnings)
      : { graph: checked(weightsOnly[request.mode](matchHardSwish(graph)), 'quantize', ports), images: 0, tensors: [] };

  ports.onStage('write');
  const written = writeTfLite(made.graph);
  const model = size === null ? written : withClassifierMetadata(written, classifier(graph, request, size));
  // Not before: while the model is calibrated, a large one is in memory often enough.
  const float = writeModel(writeTfLite(graph));
  // Labels are found through the metadata, which describe a photo as the input.
  const int8 = size === null ? writeModel(model) : appendLabels(writeModel(model), request.labels);
  if (size === null && request.labels.length > 0) {
    warnings.push('the labels were left out of the file: its metadata would describe an input of photos');
  }

  ports.onStage('edgetpu');
  const edgeTpu = planEdgeTpu(model);
  // Who keeps activations float does not ask for the Edge TPU.
  if (request.mode === 'full-integer') warnings.push(...edgeTpu.warnings);

  ports.onStage('report');
  const evaluated = size === null ? null : { photos: request.evalPhotos, size, pixels: request.pixels };
  const compared =
    evaluated === null ? null : await compareModels({ ...request, float, int8 }, evaluated, ports, warnings);
  for (const warning of warnings) ports.onWarning(warning);
  const report: QuantizeReport = {
    file: 'model.tflite',
    sizeBytes: int8.length,
    floatSizeBytes: float.length,
    seconds: (ports.nowMs() - startedMs) / 1000,
    mode: request.mode,
    input: borderReport(model, 'inputs'),
    output: borderReport(model, 'outputs'),
    ops: countOps(model),
    parameters: parameterCount(graph),
    calibrationImages: made.images,
    ...(compared === null ? {} : { eval: evalReport(compared.agreement.figures()) }),
    ...(made.tensors.length === 0 ? {} : { tensors: tensorReports(made.tensors) }),
    edgeTpu: planSummary(edgeTpu),
    warnings,
  };
  const details = { ...(compared?.details() ?? noComparison), tensors: made.tensors };
  return { int8, float, report, details };
}

/** The modes that need no photos. */
const weightsOnly = { 'dynamic-range': toDynamicRange, float16: toFloat16 } as const;

/** Calibrates, plans and quantizes: everything int8 between the borders. */
async function fullInteger(
  graph: Graph,
  size: PhotoSize,
  request: QuantizeRequest,
  ports: CompilePorts,
  warnings: string[],
): Promise<{ readonly graph: Graph; readonly images: number; readonly tensors: readonly TensorDetail[] }> {
  const inputs = new Map(graph.inputs.map((index) => [index, inputParams(request.pixels)]));
  const isAuto = request.ranges === 'auto';
  const { photos, heldOut } = isAuto ? splitPhotos(request.photos, request.heldOut) : request;
  const seen = { photos, size, pixels: request.pixels };
  const calibration = await observePhotos(graph, seen, isAuto, ports, warnings);

  ports.onStage('plan');
  const others = { ...seen, photos: heldOut };
  const plan =
    request.ranges === 'auto'
      ? await tuneModel(graph, calibration, inputs, others, (one) => observePhotos(one, seen, true, ports, []), ports)
      : planUniformly(graph, calibration, inputs, request.ranges);

  ports.onStage('quantize');
  const quantized = quantizeGraph(plan.graph, plan.assigned, request);
  warnings.push(...quantized.warnings);
  const result = checked(quantized.graph, 'quantize', ports);
  const inputNames = graph.inputs.map((index) => valueAt(graph, index).name);
  const judged = await judgeTensors(plan, { ...seen, photos: isAuto ? heldOut : photos }, ports);
  warnings.push(...tensorWarnings(plan, judged), ...photoWarnings(calibration, inputNames));
  return { graph: result, images: calibration.images, tensors: tensorDetails(plan, judged) };
}

/** The float .tflite of a model: import, verify, passes, write. */
export async function floatModel(files: ModelFiles, ports: CompilePorts): Promise<Uint8Array> {
  return writeModel(writeTfLite(await floatGraph(files, ports)));
}

async function floatGraph(files: ModelFiles, ports: CompilePorts): Promise<Graph> {
  ports.onStage('import');
  const imported = await importModel(files);
  ports.onStage('verify');
  checked(imported, 'import', ports);
  ports.onStage('passes');
  return passes.reduce((before, pass) => checked(pass.run(before), pass.name, ports), imported);
}

function checked(graph: Graph, stage: string, ports: CompilePorts): Graph {
  verify(graph, stage);
  ports.onGraph?.(stage, () => printGraph(graph));
  return graph;
}

/** Labels that do not fit would be written into the model and shown to people. */
function checkLabels(graph: Graph, labels: readonly string[]): void {
  const classes = valueAt(graph, graph.outputs[0] ?? -1).shape.at(-1) ?? 0;
  if (labels.length === 0 || labels.length === classes) return;
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot label the model: ${labels.length} labels are given for ${classes} classes`,
  );
}

function classifier(graph: Graph, request: QuantizeRequest, size: PhotoSize) {
  const { mean, std } = pixelNormalization(request.pixels);
  return {
    name: graph.name,
    description: `Image classifier, ${request.mode}`,
    version: '1',
    author: '',
    license: '',
    pixelMean: mean,
    pixelStd: std,
    imageWidth: size.width,
    imageHeight: size.height,
    imageChannels: size.channels,
    labels: request.labels,
  };
}
