// Activations, as a setting of other layers and as layers of their own. What int8 has no operation for is put together from
// what it has; what cannot be is refused with the advice.
import { activations } from '@atoll/tflite/enums';
import type { LayerOps } from '../layer-ops.js';
import type { LayerSettings } from '../layer-settings.js';
import { list, quoted, record } from '../topology-json.js';
import { axisOf } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

type Function = (input: number, ops: LayerOps) => number;

const sigmoid: Function = (input, ops) => ops.add('LOGISTIC', [input], null);
const relu: Function = (input, ops) => ops.add('RELU', [input], null);
const relu6: Function = (input, ops) => ops.add('RELU6', [input], null);
const softmax: Function = (input, ops) => ops.add('SOFTMAX', [input], { type: 'SoftmaxOptions', beta: 1 });
const silu: Function = (input, ops) => ops.binary('MUL', input, sigmoid(input, ops));
const elu: Function = (input, ops) => ops.add('ELU', [input], null);
const hardSwish: Function = (input, ops) => ops.add('HARD_SWISH', [input], null);
/** relu6(slope * 6 * x + 3) / 6: Keras 2 has slope 0.2, Keras 3 and the rest of the world 1/6. */
const hardSigmoid =
  (slope: number): Function =>
  (input, ops) => {
    const steep = slope * 6 === 1 ? input : ops.scaled(input, slope * 6, 'slope');
    return ops.scaled(relu6(ops.shifted(steep, 3, 'three'), ops), 1 / 6, 'sixth');
  };
/** Scale and alpha are fixed by the paper: arXiv 1706.02515. */
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

/** The activations that can be named. */
const functions: ReadonlyMap<string, Function> = new Map([
  ['linear', (input) => input],
  ['relu', relu],
  ['relu6', relu6],
  ['leaky_relu', (input, ops) => leaky(input, 0.2, ops)],
  ['sigmoid', sigmoid],
  ['tanh', (input, ops) => ops.add('TANH', [input], null)],
  ['softmax', softmax],
  ['log_softmax', (input, ops) => ops.add('LOG_SOFTMAX', [input], { type: 'LogSoftmaxOptions' })],
  ['silu', silu],
  ['swish', silu],
  ['hard_swish', hardSwish],
  ['hard_silu', hardSwish],
  ['elu', elu],
  ['gelu', (input, ops) => ops.add('GELU', [input], { type: 'GeluOptions', approximate: false })],
  ['selu', selu],
]);

/** selu(x) = scale * (alpha * elu(x) + (1 - alpha) * relu(x)). */
function selu(input: number, ops: LayerOps): number {
  const below = ops.scaled(elu(input, ops), seluScale * seluAlpha, 'elu_scale');
  return ops.binary('ADD', below, ops.scaled(relu(input, ops), seluScale * (1 - seluAlpha), 'relu_scale'));
}

function leaky(input: number, alpha: number, ops: LayerOps): number {
  return ops.add('LEAKY_RELU', [input], { type: 'LeakyReluOptions', alpha });
}

/** Applies an activation by its name; null when there is none of that name that int8 can do. */
export function activationNamed(name: string, layer: LayerSettings, input: number, ops: LayerOps): number | null {
  if (name === 'hard_sigmoid') return hardSigmoid(layer.isKeras3 ? 1 / 6 : 0.2)(input, ops);
  return functions.get(name)?.(input, ops) ?? null;
}

/** Applies the activation that a layer's setting names. */
export function activation(layer: LayerSettings, input: number, ops: LayerOps, key = 'activation'): number {
  const setting = layer.setting(key) ?? 'linear';
  const applied = asLayer(setting, layer, input, ops) ?? activationNamed(activationName(setting), layer, input, ops);
  if (applied !== null) return applied;
  const names = [...functions.keys(), 'hard_sigmoid'].join(', ');
  throw layer.fault(
    `has ${key} ${quoted(setting)}; ${names} are supported: relu or relu6 does nearly the same and is exact in int8`,
  );
}

/** A word, or an object that says where the function of that name is from. */
function activationName(setting: unknown): string {
  const name = typeof setting === 'string' ? setting : record(setting)?.['config'];
  return typeof name === 'string' ? name : '';
}

/** An activation may be given as a layer with settings of its own. */
function asLayer(setting: unknown, layer: LayerSettings, input: number, ops: LayerOps): number | null {
  const { class_name: className, config } = record(setting) ?? {};
  const settings = record(config);
  if (settings === undefined) return null;
  if (className === 'ReLU') return reluLayer(layer.withConfig(settings), [input], ops);
  return className === 'LeakyReLU' ? leakyRelu(layer.withConfig(settings), [input], ops) : null;
}

/** max(x, 0) with a slope below 0 and a top. */
const reluLayer: LayerImporter = (layer, [input], ops) => {
  const top = layer.optionalNumber('max_value');
  const slope = layer.number('negative_slope', 0);
  layer.refuseUnless(
    layer.number('threshold', 0) === 0,
    'has a threshold: it jumps there, which no int8 operation does',
  );
  layer.refuseUnless(top === null || top > 0, `has max_value ${top}: it gives nothing`);
  if (slope === 0 && top === 6) return relu6(input, ops);
  const rectified = slope === 0 ? relu(input, ops) : leaky(input, slope, ops);
  return top === null ? rectified : ops.bounded('MINIMUM', rectified, top, 'max_value');
};

const leakyRelu: LayerImporter = (layer, [input], ops) =>
  leaky(input, layer.number('negative_slope', layer.number('alpha', 0.3)), ops);

const prelu: LayerImporter = (layer, [input], ops) => {
  const shape = layer.weightShape('alpha');
  const alpha = ops.floats('alpha', shape, () => layer.weight('alpha', shape).data);
  return ops.add('PRELU', [input, alpha], null);
};

const eluLayer: LayerImporter = (layer, [input], ops) => {
  layer.refuseUnless(layer.number('alpha', 1) === 1, `has alpha ${layer.number('alpha', 1)}; 1 is supported`);
  return elu(input, ops);
};

const softmaxLayer: LayerImporter = (layer, [input], ops) => {
  const rank = ops.shape(input).length;
  const [axis, more] = list(layer.setting('axis')) ?? [layer.setting('axis') ?? -1];
  const last = typeof axis === 'number' && axisOf(axis, rank, layer) === rank - 1 && more === undefined;
  layer.refuseUnless(last, `works along axis ${quoted(layer.setting('axis'))}; the last is supported`);
  return softmax(input, ops);
};

/** Layers that are an activation. */
export const activationLayers: ImporterTable = {
  Activation: (layer, [input], ops) => activation(layer, input, ops),
  ReLU: reluLayer,
  LeakyReLU: leakyRelu,
  PReLU: prelu,
  ELU: eluLayer,
  Softmax: softmaxLayer,
};

/** Options of operations that could fuse an activation: the passes fuse, not the import. */
export const notFused = activations.NONE;
