// Layers that multiply and add per channel: x * NAME/scale + NAME/offset. The passes fold them into their neighbours.
import type { LayerOps } from '../layer-ops.js';
import type { LayerSettings } from '../layer-settings.js';
import { list, quoted } from '../topology-json.js';
import { numbersIn } from '../layer-settings.js';
import { axisOf } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

function scaleAndOffset(input: number, scale: Float32Array, offset: Float32Array | null, ops: LayerOps): number {
  const factor = ops.floats('scale', [scale.length], () => scale);
  const scaled = ops.binary('MUL', input, factor, 'scaled');
  if (offset === null) return scaled;
  return ops.binary(
    'ADD',
    scaled,
    ops.floats('offset', [offset.length], () => offset),
  );
}

/** What Keras gives outside of training: gamma * (x - mean) / sqrt(variance + epsilon) + beta. */
const batchNormalization: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  const channels = lastAxis(layer, shape);
  const epsilon = layer.number('epsilon', 1e-3);
  const [mean, variance] = [
    layer.weight('moving_mean', [channels]).data,
    layer.weight('moving_variance', [channels]).data,
  ];
  const gamma = layer.setting('scale') === false ? null : layer.weight('gamma', [channels]).data;
  const beta = layer.setting('center') === false ? null : layer.weight('beta', [channels]).data;
  const factors = Float64Array.from(variance, (one, channel) => (gamma?.[channel] ?? 1) / Math.sqrt(one + epsilon));
  const offsets = Float32Array.from(
    factors,
    (factor, channel) => (beta?.[channel] ?? 0) - (mean[channel] ?? 0) * factor,
  );
  layer.refuseUnless(factors.every(Number.isFinite), 'has a variance that is no positive number');
  return scaleAndOffset(input, Float32Array.from(factors), offsets, ops);
};

/** The number of channels, when that is the axis that the layer works along. */
function lastAxis(layer: LayerSettings, shape: readonly number[]): number {
  const setting = layer.setting('axis') ?? -1;
  const [axis, more] = list(setting) ?? [setting];
  const last = typeof axis === 'number' && more === undefined && axisOf(axis, shape.length, layer) === shape.length - 1;
  layer.refuseUnless(last, `works along axis ${quoted(setting)} of ${shape.length}; the last is supported`);
  return shape.at(-1) ?? 1;
}

const rescaling: LayerImporter = (layer, [input], ops) => {
  const [scale, offset] = [layer.numbers('scale', 1), layer.numbers('offset', 0)];
  return scaleAndOffset(input, scale, offset.every((one) => one === 0) ? null : offset, ops);
};

/** (x - mean) / max(sqrt(variance), 1e-7); inverted it is the other way round. */
const normalization: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  const written =
    layer.setting('mean') === undefined
      ? null
      : [numbersIn(layer.setting('mean')), numbersIn(layer.setting('variance'))];
  // One mean for everything needs no axis, whatever the layer says.
  const axis = written === null || written[0]?.length !== 1 ? layer.setting('axis') : undefined;
  const channels = axis === undefined || list(axis)?.length === 0 ? null : lastAxis(layer, shape);
  const stored = (name: string): Float32Array => layer.weight(name, channels === null ? [] : [channels]).data;
  const [mean, variance] = written ?? [stored('mean'), stored('variance')];
  if (
    mean === null ||
    mean === undefined ||
    variance === null ||
    variance === undefined ||
    mean.length !== variance.length
  ) {
    throw layer.fault('has a mean or variance that is not numbers');
  }
  layer.refuseUnless(
    mean.length === 1 || mean.length === shape.at(-1),
    `has ${mean.length} means for the last axis of [${shape.join(', ')}]`,
  );
  const deviations = Float64Array.from(variance, (one) => Math.max(Math.sqrt(one), 1e-7));
  if (layer.flag('invert')) return scaleAndOffset(input, Float32Array.from(deviations), mean, ops);
  const scale = Float32Array.from(deviations, (one) => 1 / one);
  const offset = Float32Array.from(deviations, (one, channel) => -(mean[channel] ?? 0) / one);
  return scaleAndOffset(input, scale, offset, ops);
};

/** Layers that scale and shift. */
export const scalingLayers: ImporterTable = {
  BatchNormalization: batchNormalization,
  Rescaling: rescaling,
  Normalization: normalization,
};
