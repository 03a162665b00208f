// Functions of the framework that stand among the layers: TFOpLambda and SlicingOpLambda of Keras 2 (`tf.nn.relu6(x)`,
// `x / 127.5 - 1`), Operation of Keras 3 (`keras.ops.mean(x)`). Both generations go by one name here.
import type { BinaryKind } from '../layer-ops.js';
import { list, quoted } from '../topology-json.js';
import { activationNamed } from './activations.js';
import { axisOf } from './importer.js';
import { joined } from './merging.js';
import type { Operand, Operands } from './operands.js';
import { resized, transposed } from './shaping.js';
import { getItem } from './slicing.js';

/** Turns one call of a function into operations. */
export type OperationImporter = (operands: Operands) => number;

/** x op y, where one of them may be a constant; a constant is always the second operand. */
const arithmetic =
  (kind: Exclude<BinaryKind, 'SUB'>): OperationImporter =>
  (operands) => {
    const [a, b] = pair(operands);
    if (a.kind === 'value' && b.kind === 'value') return operands.ops.binary(kind, a.index, b.index);
    const [value, constant] = a.kind === 'value' ? [a, b] : [b, a];
    if (value.kind !== 'value' || constant.kind !== 'constant')
      throw operands.layer.fault('is given no value of the model');
    return operands.ops.binary(kind, value.index, operands.tensor(constant.value, 'constant'));
  };

function pair(operands: Operands): readonly [Operand, Operand] {
  const [a, b] = [operands.find(0, 'x', 'x1', 'value', 'input'), operands.find(1, 'y', 'x2', 'bias')];
  if (a === undefined || b === undefined) throw operands.layer.fault('is given one operand; two are needed');
  return [a, b];
}

/** x - c is x + -c; c - x is -x + c. */
const subtract: OperationImporter = (operands) => {
  const { ops } = operands;
  const [a, b] = pair(operands);
  if (a.kind === 'value' && b.kind === 'value') return ops.binary('SUB', a.index, b.index);
  if (a.kind === 'value' && b.kind === 'constant') {
    return ops.binary(
      'ADD',
      a.index,
      operands.tensor(
        mapped(b.value, (one) => -one),
        'constant',
      ),
    );
  }
  if (a.kind === 'constant' && b.kind === 'value') {
    return ops.binary('ADD', ops.scaled(b.index, -1, 'sign'), operands.tensor(a.value, 'constant'));
  }
  throw operands.layer.fault('is given no value of the model');
};

const divide: OperationImporter = (operands) => {
  const { ops } = operands;
  const [a, b] = pair(operands);
  if (a.kind === 'value' && b.kind === 'value')
    return ops.add('DIV', [a.index, b.index], { type: 'DivOptions', activation: 0 });
  if (a.kind !== 'value' || b.kind !== 'constant')
    throw operands.layer.fault('divides a constant by a value of the model');
  return ops.binary(
    'MUL',
    a.index,
    operands.tensor(
      mapped(b.value, (one) => 1 / one),
      'constant',
    ),
  );
};

/** Numbers in lists of any depth, each replaced. */
function mapped(value: unknown, change: (one: number) => number): unknown {
  return typeof value === 'number' ? change(value) : (list(value)?.map((one) => mapped(one, change)) ?? value);
}

const square: OperationImporter = (operands) => operands.ops.binary('MUL', operands.input(), operands.input());

const power: OperationImporter = (operands) => {
  const exponent = operands.number(NaN, 1, 'y', 'x2');
  if (exponent === 2) return square(operands);
  throw operands.layer.fault(`raises to the power ${exponent}; 2 is supported`);
};

const reduction =
  (kind: 'MEAN' | 'SUM' | 'REDUCE_MAX' | 'REDUCE_MIN'): OperationImporter =>
  (operands) => {
    const { ops, layer } = operands;
    const input = operands.input();
    const rank = ops.shape(input).length;
    const axes = operands.integers(1, 'axis')?.map((axis) => axisOf(axis, rank, layer));
    if (axes === undefined) throw layer.fault('works over all axes, the batch too; name the axes');
    const keepDims = operands.constant(2, 'keepdims') === true;
    return ops.add(kind, [input, ops.ints('axes', axes)], { type: 'ReducerOptions', keepDims });
  };

/** Source of the bounds' names: tf.clip_by_value and keras.ops.clip. */
const clip: OperationImporter = (operands) => {
  const input = operands.input();
  const low = operands.number(-Infinity, 1, 'clip_value_min', 'x_min', 'min');
  const high = operands.number(Infinity, 2, 'clip_value_max', 'x_max', 'max');
  if (low === 0 && high === 6) return operands.ops.add('RELU6', [input], null);
  const raised =
    low === 0 ? operands.ops.add('RELU', [input], null) : operands.ops.bounded('MAXIMUM', input, low, 'low');
  return operands.ops.bounded('MINIMUM', raised, high, 'high');
};

const reshape: OperationImporter = (operands) => {
  const { ops, layer } = operands;
  const input = operands.input();
  const target = operands.integers(1, 'shape', 'newshape') ?? [];
  const from = ops.shape(input);
  const known = target.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  const shape = target.map((size) => (size === -1 ? from.reduce((product, one) => product * one, 1) / known : size));
  const fits = shape[0] === 1 && shape.every((size) => Number.isInteger(size) && size > 0);
  layer.refuseUnless(fits, `cannot make ${quoted(target)} of a value of shape [${from.join(', ')}]`);
  return ops.reshape(input, shape);
};

const transpose: OperationImporter = (operands) => {
  const axes = operands.integers(1, 'perm', 'axes');
  if (axes === undefined) throw operands.layer.fault('reverses all axes, the batch too; name the order');
  operands.layer.refuseUnless(axes[0] === 0, 'moves the batch');
  return transposed(operands.input(), axes, operands.ops);
};

const concatenate: OperationImporter = (operands) => {
  const values = operands.values(0, 'values', 'xs');
  const axis = axisOf(operands.number(0, 1, 'axis'), operands.ops.shape(values[0]).length, operands.layer);
  return joined(values, axis, operands.ops);
};

const stack: OperationImporter = (operands) => {
  const values = operands.values(0, 'values', 'x');
  const axis = axisOf(operands.number(0, 1, 'axis'), operands.ops.shape(values[0]).length + 1, operands.layer);
  return operands.ops.add('PACK', values, { type: 'PackOptions', valuesCount: values.length, axis });
};

const expandDims: OperationImporter = (operands) => {
  const input = operands.input();
  const shape = operands.ops.shape(input);
  const axis = axisOf(operands.number(NaN, 1, 'axis'), shape.length + 1, operands.layer);
  return operands.ops.reshape(input, shape.toSpliced(axis, 0, 1));
};

const squeeze: OperationImporter = (operands) => {
  const { ops, layer } = operands;
  const input = operands.input();
  const shape = ops.shape(input);
  const given = operands.integers(1, 'axis')?.map((axis) => axisOf(axis, shape.length, layer));
  const dropped = given ?? shape.flatMap((size, axis) => (axis > 0 && size === 1 ? [axis] : []));
  layer.refuseUnless(
    dropped.every((axis) => shape[axis] === 1),
    `cannot drop an axis of [${shape.join(', ')}]`,
  );
  return ops.reshape(
    input,
    shape.filter((_size, axis) => !dropped.includes(axis)),
  );
};

const pad: OperationImporter = (operands) => {
  const { ops, layer } = operands;
  const input = operands.input();
  const margins = list(operands.constant(1, 'paddings', 'pad_width'))?.flatMap((one) => list(one) ?? [NaN]) ?? [];
  const whole = margins.every((one): one is number => typeof one === 'number' && Number.isInteger(one) && one >= 0);
  const mode = operands.constant(2, 'mode') ?? 'constant';
  const filler = operands.constant(3, 'constant_values') ?? 0;
  const zeros = mode === 'constant' || mode === 'CONSTANT';
  const good = whole && zeros && margins.length === 2 * ops.shape(input).length;
  layer.refuseUnless(good && filler === 0, 'pads with something else than zeros, or by margins that do not fit');
  return ops.add('PAD', [input, ops.ints('margins', margins as number[], [margins.length / 2, 2])], {
    type: 'PadOptions',
  });
};

const resize: OperationImporter = (operands) => {
  const { layer, ops } = operands;
  const [height, width] = operands.integers(1, 'size') ?? [];
  const how = operands.constant(2, 'method', 'interpolation') ?? 'bilinear';
  for (const key of ['antialias', 'preserve_aspect_ratio', 'crop_to_aspect_ratio', 'pad_to_aspect_ratio']) {
    layer.refuseUnless((operands.constant(9, key) ?? false) === false, `has ${key}; plain resizing is supported`);
  }
  const good =
    height !== undefined && width !== undefined && height > 0 && width > 0 && (how === 'bilinear' || how === 'nearest');
  if (!good) throw layer.fault(`resizes by ${quoted(how)}; bilinear and nearest are supported`);
  return resized(operands.input(), [height, width], how, layer, ops);
};

const cast: OperationImporter = (operands) => {
  const type = operands.constant(1, 'dtype') ?? 'float32';
  const isFloat = typeof type === 'string' && type.startsWith('float');
  operands.layer.refuseUnless(isFloat, `casts to ${quoted(type)}; floats are supported`);
  return operands.input();
};

const l2Normalize: OperationImporter = (operands) => {
  const input = operands.input();
  const rank = operands.ops.shape(input).length;
  const [axis, more] = operands.integers(1, 'axis') ?? [];
  const last = axis !== undefined && more === undefined && axisOf(axis, rank, operands.layer) === rank - 1;
  operands.layer.refuseUnless(last, 'works along other axes than the last');
  return operands.ops.add('L2_NORMALIZATION', [input], { type: 'L2NormOptions', activation: 0 });
};

const identity: OperationImporter = (operands) => operands.input();

/** An activation by its own name; softmax along the last axis only. */
const named =
  (name: string): OperationImporter =>
  (operands) => {
    const input = operands.input();
    if (name.includes('softmax')) {
      const axis = operands.number(-1, 1, 'axis');
      const rank = operands.ops.shape(input).length;
      operands.layer.refuseUnless(
        axisOf(axis, rank, operands.layer) === rank - 1,
        `works along axis ${axis}; the last is supported`,
      );
    }
    const made = activationNamed(name, operands.layer, input, operands.ops);
    if (made === null) throw operands.layer.fault('is not supported');
    return made;
  };

const leakyRelu: OperationImporter = (operands) =>
  operands.ops.add('LEAKY_RELU', [operands.input()], {
    type: 'LeakyReluOptions',
    alpha: operands.number(0.2, 1, 'alpha', 'negative_slope'),
  });

const gelu: OperationImporter = (operands) =>
  operands.ops.add('GELU', [operands.input()], {
    type: 'GeluOptions',
    approximate: operands.constant(1, 'approximate') === true,
  });

/** relu6(x + 3) / 6, as both generations have it outside of layers. */
const hardSigmoid: OperationImporter = (operands) => {
  const { ops } = operands;
  return ops.scaled(ops.add('RELU6', [ops.shifted(operands.input(), 3, 'three')], null), 1 / 6, 'sixth');
};

/** The functions that can be imported, by name in snake case without the module. */
export const operations: ReadonlyMap<string, OperationImporter> = new Map([
  ...['add', 'bias_add'].map((name) => [name, arithmetic('ADD')] as const),
  ...['multiply', 'mul'].map((name) => [name, arithmetic('MUL')] as const),
  ['maximum', arithmetic('MAXIMUM')],
  ['minimum', arithmetic('MINIMUM')],
  ...['subtract', 'sub'].map((name) => [name, subtract] as const),
  ...['truediv', 'true_divide', 'divide', 'div'].map((name) => [name, divide] as const),
  ['square', square],
  ...['pow', 'power'].map((name) => [name, power] as const),
  ['negative', (operands) => operands.ops.scaled(operands.input(), -1, 'sign')],
  ...['mean', 'reduce_mean'].map((name) => [name, reduction('MEAN')] as const),
  ...['sum', 'reduce_sum'].map((name) => [name, reduction('SUM')] as const),
  ...['max', 'reduce_max'].map((name) => [name, reduction('REDUCE_MAX')] as const),
  ...['min', 'reduce_min'].map((name) => [name, reduction('REDUCE_MIN')] as const),
  ...['clip', 'clip_by_value'].map((name) => [name, clip] as const),
  ['reshape', reshape],
  ['transpose', transpose],
  ...['concat', 'concatenate'].map((name) => [name, concatenate] as const),
  ['stack', stack],
  ['expand_dims', expandDims],
  ['squeeze', squeeze],
  ['pad', pad],
  ['resize', resize],
  ['cast', cast],
  ['l2_normalize', l2Normalize],
  ...['identity', 'stop_gradient', 'convert_to_tensor'].map((name) => [name, identity] as const),
  ...['getitem', 'get_item'].map((name) => [name, getItem] as const),
  ...[
    'relu',
    'relu6',
    'sigmoid',
    'tanh',
    'softmax',
    'log_softmax',
    'silu',
    'swish',
    'elu',
    'selu',
    'hard_swish',
    'hard_silu',
  ].map((name) => [name, named(name)] as const),
  ['leaky_relu', leakyRelu],
  ['gelu', gelu],
  ['hard_sigmoid', hardSigmoid],
]);
