// One tiny float model for each operation that quantizes, for the tests: every kernel is met once, in the form that models use.
import { activations, paddings } from '@atoll/tflite/enums';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import type { Graph } from './graph/graph.js';
import { GraphBuilder } from './graph/graph-builder.js';
import { outputShapes } from './graph/shapes.js';
import { seededRandom } from './test-models.js';

/** An input of a tiny model: its shape and the reals that it takes. */
export interface TinyInput {
  readonly shape: readonly number[];
  readonly min: number;
  readonly max: number;
}

/** A tiny model. */
export interface TinyModel {
  readonly name: string;
  readonly inputs: readonly TinyInput[];
  readonly graph: Graph;
  /** Versions of its operations as int8, in order, borders left out. */
  readonly versions: string;
}

/** Adds an operation, with outputs of the shapes that follow, and gives their indices. */
export type Emit = (
  kind: BuiltinName,
  inputs: readonly number[],
  options?: OperatorOptions | null,
) => readonly number[];

/** What a tiny model is built with. */
export interface Tools {
  readonly emit: Emit;
  readonly weights: (...shape: number[]) => number;
  readonly constant: (...data: number[]) => number;
  readonly floats: (shape: readonly number[], data: readonly number[]) => number;
  readonly zeros: (...shape: number[]) => number;
  readonly ints: (...data: number[]) => number;
  readonly margins: (...data: number[]) => number;
}

/** A small image. */
export const picture: TinyInput = { shape: [1, 8, 8, 4], min: -1, max: 1 };
const row: TinyInput = { shape: [1, 24], min: -3, max: 3 };
const positive: TinyInput = { ...row, min: 0, max: 4 };
const activation = activations.NONE;
const none = { activation };

/** A tiny model of a name, from the inputs that it takes; `versions` are those of its int8 operations. */
export function tinyModel(
  name: string,
  inputs: readonly TinyInput[],
  versions: string,
  build: (tools: Tools, inputs: readonly number[]) => readonly number[],
): TinyModel {
  const builder = new GraphBuilder();
  const random = seededRandom(name.length * 131 + name.charCodeAt(0));
  const emit: Emit = (kind, operands, options = null) => {
    const shapes = outputShapes(
      { kind, options },
      operands.map((index) => builder.at(index)),
    );
    if (shapes === null) throw new RangeError(`${kind} has no shape`);
    const outputs = shapes.map((shape) =>
      kind.startsWith('ARG_') || operands.every((index) => builder.at(index).type === 'int32')
        ? builder.value({ name: kind.toLowerCase(), type: 'int32', shape, data: null, quantization: null })
        : builder.activation(kind.toLowerCase(), shape),
    );
    builder.op(kind, operands, outputs, options);
    return outputs;
  };
  const tools: Tools = {
    emit,
    weights: (...shape) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const reach = Math.sqrt(3 / (count / (shape[0] ?? 1)));
      return builder.floats(
        'weights',
        shape,
        Float32Array.from({ length: count }, () => (2 * random() - 1) * reach),
      );
    },
    floats: (shape, data) => builder.floats('constant', shape, Float32Array.from(data)),
    zeros: (...shape) => builder.floats('zeros', shape, new Float32Array(shape.reduce((a, b) => a * b, 1))),
    constant: (...data) => builder.floats('constant', [data.length], Float32Array.from(data)),
    ints: (...data) => builder.ints('operand', [data.length], data),
    margins: (...data) => builder.ints('margins', [data.length / 2, 2], data),
  };
  const indices = inputs.map(({ shape }, at) => builder.activation(`input_${at}`, shape));
  const outputs = build(tools, indices);
  return { name, inputs, versions, graph: builder.build('tiny', indices, outputs) };
}

const window2d = (padding: keyof typeof paddings, stride: number) => ({
  padding: paddings[padding],
  strideW: stride,
  strideH: stride,
});
const conv = (
  padding: keyof typeof paddings,
  stride = 1,
  dilation = 1,
  fused: number = activation,
): OperatorOptions => ({
  type: 'Conv2DOptions',
  ...window2d(padding, stride),
  activation: fused,
  dilationW: dilation,
  dilationH: dilation,
  quantizedBiasType: 0,
});
const depthwise = (depthMultiplier: number, dilation = 1): OperatorOptions => ({
  type: 'DepthwiseConv2DOptions',
  ...window2d('SAME', 1),
  depthMultiplier,
  ...none,
  dilationW: dilation,
  dilationH: dilation,
});
const pool: OperatorOptions = {
  type: 'Pool2DOptions',
  ...window2d('VALID', 2),
  filterWidth: 2,
  filterHeight: 2,
  ...none,
};
const up: OperatorOptions = { type: 'TransposeConvOptions', ...window2d('SAME', 2), ...none, quantizedBiasType: 0 };
const dense = (keepNumDims = false): OperatorOptions => ({
  type: 'FullyConnectedOptions',
  ...none,
  weightsFormat: 0,
  keepNumDims,
  asymmetricQuantizeInputs: false,
  quantizedBiasType: 0,
});
const add: OperatorOptions = { type: 'AddOptions', ...none, potScaleInt16: true };
const sub: OperatorOptions = { type: 'SubOptions', ...none, potScaleInt16: true };
const mul: OperatorOptions = { type: 'MulOptions', ...none };
const reducer = (keepDims: boolean): OperatorOptions => ({ type: 'ReducerOptions', keepDims });
const resize = (type: 'bilinear' | 'nearest', halfPixelCenters: boolean): OperatorOptions =>
  type === 'bilinear'
    ? { type: 'ResizeBilinearOptions', newHeight: 0, newWidth: 0, alignCorners: false, halfPixelCenters }
    : { type: 'ResizeNearestNeighborOptions', alignCorners: false, halfPixelCenters };
const concat = (axis: number): OperatorOptions => ({ type: 'ConcatenationOptions', axis, ...none });

/** Applies one operation with no operands but its input. */
const alone =
  (kind: BuiltinName, options: OperatorOptions | null = null) =>
  ({ emit }: Tools, [input = -1]: readonly number[]): readonly number[] =>
    emit(kind, [input], options);

/** The tiny models. */
export const tinyModels: readonly TinyModel[] = [
  tinyModel('CONV_2D', [picture], 'CONV_2D 3', ({ emit, weights }, [x = -1]) =>
    emit('CONV_2D', [x, weights(6, 3, 3, 4), weights(6)], conv('SAME')),
  ),
  tinyModel('CONV_2D dilated, RELU6', [picture], 'CONV_2D 3', ({ emit, weights }, [x = -1]) =>
    emit('CONV_2D', [x, weights(6, 3, 3, 4), weights(6)], conv('VALID', 1, 2, activations.RELU6)),
  ),
  tinyModel('DEPTHWISE_CONV_2D', [picture], 'DEPTHWISE_CONV_2D 3', ({ emit, weights }, [x = -1]) =>
    emit('DEPTHWISE_CONV_2D', [x, weights(1, 3, 3, 8), weights(8)], depthwise(2)),
  ),
  tinyModel('DEPTHWISE_CONV_2D dilated', [picture], 'DEPTHWISE_CONV_2D 3', ({ emit, weights }, [x = -1]) =>
    emit('DEPTHWISE_CONV_2D', [x, weights(1, 3, 3, 4), weights(4)], depthwise(1, 2)),
  ),
  tinyModel('TRANSPOSE_CONV', [picture], 'TRANSPOSE_CONV 3', ({ emit, weights, ints }, [x = -1]) =>
    emit('TRANSPOSE_CONV', [ints(1, 16, 16, 3), weights(3, 3, 3, 4), x, weights(3)], up),
  ),
  tinyModel('FULLY_CONNECTED', [row], 'FULLY_CONNECTED 4', ({ emit, weights }, [x = -1]) =>
    emit('FULLY_CONNECTED', [x, weights(10, 24), weights(10)], dense()),
  ),
  tinyModel('ADD', [row, row], 'ADD 2', ({ emit }, inputs) => emit('ADD', inputs, add)),
  tinyModel('ADD of a constant', [row], 'ADD 2', ({ emit, constant }, [x = -1]) =>
    emit('ADD', [x, constant(1.5)], add),
  ),
  tinyModel('ADD per channel', [picture], 'ADD 2', ({ emit, constant }, [x = -1]) =>
    emit('ADD', [x, constant(1, -1, 0.5, 0.25)], add),
  ),
  tinyModel('SUB', [row, row], 'SUB 2', ({ emit }, inputs) => emit('SUB', inputs, sub)),
  tinyModel('SUB from a constant', [row], 'SUB 2', ({ emit, constant }, [x = -1]) =>
    emit('SUB', [constant(1), x], sub),
  ),
  tinyModel('SUB of itself, which leaves nothing', [row], 'SUB 2', ({ emit }, [x = -1]) => emit('SUB', [x, x], sub)),
  tinyModel('CONV_2D of nothing, RELU6', [picture], 'CONV_2D 3', ({ emit, zeros }, [x = -1]) =>
    emit('CONV_2D', [x, zeros(6, 3, 3, 4), zeros(6)], conv('SAME', 1, 1, activations.RELU6)),
  ),
  tinyModel('DEPTHWISE_CONV_2D with a dead channel', [picture], 'DEPTHWISE_CONV_2D 3', ({ emit, floats }, [x = -1]) =>
    emit(
      'DEPTHWISE_CONV_2D',
      [x, floats([1, 1, 1, 4], [0.5, 1e-9, -1, 1]), floats([4], [0, 3, 0.5, -100])],
      depthwise(1),
    ),
  ),
  tinyModel('MUL', [row, row], 'MUL 2', ({ emit }, inputs) => emit('MUL', inputs, mul)),
  tinyModel('MUL per channel', [picture], 'MUL 2', ({ emit, constant }, [x = -1]) =>
    emit('MUL', [x, constant(1, -1, 0.5, 0.25)], mul),
  ),
  tinyModel('SQUARED_DIFFERENCE', [row, row], 'SQUARED_DIFFERENCE 2', ({ emit }, inputs) =>
    emit('SQUARED_DIFFERENCE', inputs, { type: 'SquaredDifferenceOptions' }),
  ),
  tinyModel('MAXIMUM', [row], 'QUANTIZE 1, MAXIMUM 2', ({ emit, constant }, [x = -1]) =>
    emit('MAXIMUM', [x, constant(0.5)], { type: 'MaximumMinimumOptions' }),
  ),
  tinyModel('MINIMUM', [row, { ...row, min: -1, max: 5 }], 'QUANTIZE 1, MINIMUM 2', ({ emit }, inputs) =>
    emit('MINIMUM', inputs, { type: 'MaximumMinimumOptions' }),
  ),
  tinyModel(
    'CONCATENATION',
    [picture, { ...picture, min: -2, max: 3 }],
    'QUANTIZE 1, CONCATENATION 2',
    ({ emit }, inputs) => emit('CONCATENATION', inputs, concat(3)),
  ),
  tinyModel('PACK', [row, row], 'PACK 2', ({ emit }, inputs) =>
    emit('PACK', inputs, { type: 'PackOptions', valuesCount: 2, axis: 1 }),
  ),
  tinyModel('UNPACK', [picture], 'UNPACK 2', alone('UNPACK', { type: 'UnpackOptions', num: 8, axis: 1 })),
  tinyModel('SPLIT', [picture], 'SPLIT 2', ({ emit, ints }, [x = -1]) =>
    emit('SPLIT', [ints(3), x], { type: 'SplitOptions', numSplits: 2 }),
  ),
  tinyModel('SPLIT_V', [picture], 'SPLIT_V 2', ({ emit, ints }, [x = -1]) =>
    emit('SPLIT_V', [x, ints(3, 5), ints(2)], { type: 'SplitVOptions', numSplits: 2 }),
  ),
  tinyModel('GATHER', [picture], 'GATHER 2', ({ emit, ints }, [x = -1]) =>
    emit('GATHER', [x, ints(3, 0, 5)], { type: 'GatherOptions', axis: 1, batchDims: 0 }),
  ),
  tinyModel('MAX_POOL_2D', [picture], 'MAX_POOL_2D 2', alone('MAX_POOL_2D', pool)),
  tinyModel('AVERAGE_POOL_2D', [picture], 'AVERAGE_POOL_2D 2', alone('AVERAGE_POOL_2D', pool)),
  tinyModel('MEAN', [picture], 'MEAN 2', ({ emit, ints }, [x = -1]) => emit('MEAN', [x, ints(1, 2)], reducer(false))),
  tinyModel('SUM', [picture], 'SUM 2', ({ emit, ints }, [x = -1]) => emit('SUM', [x, ints(1, 2)], reducer(true))),
  tinyModel('REDUCE_MAX', [picture], 'REDUCE_MAX 2', ({ emit, ints }, [x = -1]) =>
    emit('REDUCE_MAX', [x, ints(1, 2)], reducer(false)),
  ),
  tinyModel('REDUCE_MIN', [picture], 'REDUCE_MIN 2', ({ emit, ints }, [x = -1]) =>
    emit('REDUCE_MIN', [x, ints(3)], reducer(true)),
  ),
  tinyModel('RESHAPE', [picture], 'RESHAPE 1', ({ emit, ints }, [x = -1]) =>
    emit('RESHAPE', [x, ints(1, 64, 4)], { type: 'ReshapeOptions', newShape: [1, 64, 4] }),
  ),
  tinyModel(
    'SQUEEZE',
    [{ ...picture, shape: [1, 1, 8, 4] }],
    'SQUEEZE 1',
    alone('SQUEEZE', { type: 'SqueezeOptions', squeezeDims: [1] }),
  ),
  tinyModel('EXPAND_DIMS', [row], 'EXPAND_DIMS 1', ({ emit, ints }, [x = -1]) =>
    emit('EXPAND_DIMS', [x, ints(1)], { type: 'ExpandDimsOptions' }),
  ),
  tinyModel('PAD', [picture], 'PAD 2', ({ emit, margins }, [x = -1]) =>
    emit('PAD', [x, margins(0, 0, 1, 2, 2, 1, 0, 0)], { type: 'PadOptions' }),
  ),
  tinyModel('PADV2', [picture], 'PADV2 2', ({ emit, margins, constant }, [x = -1]) =>
    emit('PADV2', [x, margins(0, 0, 1, 1, 1, 1, 0, 0), constant(-0.5)], { type: 'PadV2Options' }),
  ),
  tinyModel('MIRROR_PAD', [picture], 'MIRROR_PAD 2', ({ emit, margins }, [x = -1]) =>
    emit('MIRROR_PAD', [x, margins(0, 0, 1, 1, 2, 2, 0, 0)], { type: 'MirrorPadOptions', mode: 0 }),
  ),
  tinyModel('TRANSPOSE', [picture], 'TRANSPOSE 2', ({ emit, ints }, [x = -1]) =>
    emit('TRANSPOSE', [x, ints(0, 3, 1, 2)], { type: 'TransposeOptions' }),
  ),
  tinyModel('SLICE', [picture], 'SLICE 2', ({ emit, ints }, [x = -1]) =>
    emit('SLICE', [x, ints(0, 1, 2, 0), ints(1, 4, -1, 3)], { type: 'SliceOptions' }),
  ),
  tinyModel('STRIDED_SLICE', [picture], 'STRIDED_SLICE 2', ({ emit, ints }, [x = -1]) =>
    emit('STRIDED_SLICE', [x, ints(0, 1, 0, 0), ints(1, 8, 8, 4), ints(1, 2, 3, 1)], {
      type: 'StridedSliceOptions',
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
      offset: false,
    }),
  ),
  tinyModel(
    'SPACE_TO_BATCH_ND',
    [picture],
    'SPACE_TO_BATCH_ND 2, BATCH_TO_SPACE_ND 2',
    ({ emit, ints, margins }, [x = -1]) => {
      const [batches = -1] = emit('SPACE_TO_BATCH_ND', [x, ints(2, 2), margins(1, 1, 1, 1)], {
        type: 'SpaceToBatchNDOptions',
      });
      return emit('BATCH_TO_SPACE_ND', [batches, ints(2, 2), margins(0, 1, 1, 0)], { type: 'BatchToSpaceNDOptions' });
    },
  ),
  tinyModel('TILE', [row], 'TILE 3', ({ emit, ints }, [x = -1]) =>
    emit('TILE', [x, ints(1, 2)], { type: 'TileOptions' }),
  ),
  tinyModel(
    'SPACE_TO_DEPTH',
    [picture],
    'SPACE_TO_DEPTH 2',
    alone('SPACE_TO_DEPTH', { type: 'SpaceToDepthOptions', blockSize: 2 }),
  ),
  tinyModel(
    'DEPTH_TO_SPACE',
    [picture],
    'DEPTH_TO_SPACE 2',
    alone('DEPTH_TO_SPACE', { type: 'DepthToSpaceOptions', blockSize: 2 }),
  ),
  tinyModel('RESIZE_BILINEAR', [picture], 'RESIZE_BILINEAR 2', ({ emit, ints }, [x = -1]) =>
    emit('RESIZE_BILINEAR', [x, ints(16, 12)], resize('bilinear', false)),
  ),
  tinyModel('RESIZE_BILINEAR half-pixel', [picture], 'RESIZE_BILINEAR 3', ({ emit, ints }, [x = -1]) =>
    emit('RESIZE_BILINEAR', [x, ints(16, 16)], resize('bilinear', true)),
  ),
  tinyModel('RESIZE_NEAREST_NEIGHBOR', [picture], 'RESIZE_NEAREST_NEIGHBOR 2', ({ emit, ints }, [x = -1]) =>
    emit('RESIZE_NEAREST_NEIGHBOR', [x, ints(16, 16)], resize('nearest', false)),
  ),
  tinyModel('RESIZE_NEAREST_NEIGHBOR half-pixel', [picture], 'RESIZE_NEAREST_NEIGHBOR 3', ({ emit, ints }, [x = -1]) =>
    emit('RESIZE_NEAREST_NEIGHBOR', [x, ints(16, 16)], resize('nearest', true)),
  ),
  tinyModel('RELU', [row], 'RELU 2', alone('RELU')),
  tinyModel('RELU6', [{ ...row, min: -8, max: 8 }], 'RELU6 2', alone('RELU6')),
  tinyModel('RELU_N1_TO_1', [row], 'RELU_N1_TO_1 1', alone('RELU_N1_TO_1')),
  tinyModel('LEAKY_RELU', [row], 'LEAKY_RELU 1', alone('LEAKY_RELU', { type: 'LeakyReluOptions', alpha: 0.2 })),
  tinyModel('PRELU', [picture], 'PRELU 1', ({ emit, constant }, [x = -1]) =>
    emit('PRELU', [x, constant(0.1, 0.2, 0.5, -0.3)]),
  ),
  tinyModel('ELU', [row], 'ELU 1', alone('ELU')),
  tinyModel('GELU', [row], 'GELU 2', alone('GELU', { type: 'GeluOptions', approximate: true })),
  tinyModel(
    'HARD_SWISH',
    [{ ...row, min: -6, max: 6 }],
    'HARD_SWISH 1',
    alone('HARD_SWISH', { type: 'HardSwishOptions' }),
  ),
  tinyModel('RSQRT', [{ ...positive, min: 0.5 }], 'RSQRT 2', alone('RSQRT')),
  tinyModel('ABS', [row], 'ABS 2', alone('ABS')),
  tinyModel('EXP', [row], 'EXP 2', alone('EXP')),
  tinyModel('LOGISTIC', [row], 'LOGISTIC 2', alone('LOGISTIC')),
  tinyModel('TANH', [row], 'TANH 2', alone('TANH')),
  tinyModel('SOFTMAX', [row], 'SOFTMAX 2', alone('SOFTMAX', { type: 'SoftmaxOptions', beta: 1 })),
  tinyModel('LOG_SOFTMAX', [row], 'LOG_SOFTMAX 2', alone('LOG_SOFTMAX', { type: 'LogSoftmaxOptions' })),
  tinyModel(
    'L2_NORMALIZATION',
    [row],
    'L2_NORMALIZATION 2',
    alone('L2_NORMALIZATION', { type: 'L2NormOptions', ...none }),
  ),
  tinyModel('ARG_MAX', [row], 'ARG_MAX 2', ({ emit, ints }, [x = -1]) =>
    emit('ARG_MAX', [x, ints(1)], { type: 'ArgMaxOptions', outputType: 2 }),
  ),
  tinyModel('ARG_MAX of every pixel, flat', [picture], 'ARG_MAX 2, RESHAPE 1', ({ emit, ints }, [x = -1]) => {
    const [index = -1] = emit('ARG_MAX', [x, ints(3)], { type: 'ArgMaxOptions', outputType: 2 });
    return emit('RESHAPE', [index, ints(1, 64)], { type: 'ReshapeOptions', newShape: [1, 64] });
  }),
  tinyModel('ARG_MIN', [row], 'ARG_MIN 2', ({ emit, ints }, [x = -1]) =>
    emit('ARG_MIN', [x, ints(1)], { type: 'ArgMinOptions', outputType: 2 }),
  ),
];

/** All models side by side in one graph, so that a runtime is opened once; names begin with the name of their model. */
export function sideBySide(models: readonly TinyModel[]): Graph {
  const parts: Graph = { name: 'side by side', values: [], ops: [], inputs: [], outputs: [] };
  return models.reduce(({ name, values, ops, inputs, outputs }, { name: prefix, graph }): Graph => {
    const move = (indices: readonly number[]): readonly number[] => indices.map((index) => index + values.length);
    return {
      name,
      values: [...values, ...graph.values.map((value) => ({ ...value, name: `${prefix}/${value.name}` }))],
      ops: [...ops, ...graph.ops.map((op) => ({ ...op, inputs: move(op.inputs), outputs: move(op.outputs) }))],
      inputs: [...inputs, ...move(graph.inputs)],
      outputs: [...outputs, ...move(graph.outputs)],
    };
  }, parts);
}
