import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCompilerOutput, parseOperatorTable } from './compiler-output.js';
import type { CompilerModel } from './compiler-output.js';
import * as samples from './compiler-samples-for-tests.js';
import { statuses } from './status.js';

const { mapped, anotherSubgraph, limitation, dataType, unsupported, version: tooNew } = statuses;
const kib = 1024;
const mib = 1024 * kib;
const rowsOf = (...rows: readonly (readonly [op: string, count: number, status: string])[]) =>
  rows.map(([op, count, status]) => ({ op, count, status }));
const nothing: CompilerModel = {
  inputModel: '',
  outputModel: '',
  inputSizeBytes: null,
  outputSizeBytes: null,
  operationLog: null,
  subgraphs: null,
  operations: null,
  onEdgeTpu: null,
  onCpu: null,
  onChipBytes: null,
  onChipRemainingBytes: null,
  offChipBytes: null,
  rows: [],
};

/** What each sample says, every field of it. */
const table: readonly (readonly [
  name: string,
  text: string,
  version: string,
  models: readonly Partial<CompilerModel>[],
])[] = [
  [
    'a .log of 14.1 with the same operator in several rows',
    samples.tinyYoloLog,
    '14.1.317412892',
    [
      {
        inputModel: 'tiny_yolo.tflite',
        outputModel: 'tiny_yolo_edgetpu.tflite',
        operations: 25,
        onEdgeTpu: 19,
        onCpu: 6,
        rows: rowsOf(
          ['CONCATENATION', 1, anotherSubgraph],
          ['CONV_2D', 11, mapped],
          ['CONV_2D', 2, anotherSubgraph],
          ['MAX_POOL_2D', 6, mapped],
          ['QUANTIZE', 2, mapped],
          ['QUANTIZE', 1, anotherSubgraph],
          ['QUANTIZE', 1, limitation],
          ['RESIZE_NEAREST_NEIGHBOR', 1, tooNew],
        ),
      },
    ],
  ],
  [
    'a search of 16.0 that succeeds at once, all mapped, part of the parameters streamed',
    samples.yoloSearch16,
    '16.0.384591198',
    [
      {
        inputModel: 'runs/train/exp8/weights/best-int8.tflite',
        outputModel: 'runs/train/exp8/weights/best-int8_edgetpu.tflite',
        inputSizeBytes: 6 * mib,
        outputSizeBytes: Math.round(6.47 * mib),
        operationLog: 'runs/train/exp8/weights/best-int8_edgetpu.log',
        subgraphs: 1,
        operations: 246,
        onEdgeTpu: 246,
        onCpu: 0,
        onChipBytes: Math.round(5.9 * mib),
        onChipRemainingBytes: Math.round(1.16 * mib),
        offChipBytes: 41.75 * kib,
        rows: rowsOf(['ADD', 3, mapped]),
      },
    ],
  ],
  [
    'a .log of 15.0: float input and output cost two operators',
    samples.mnistFloatLog,
    '15.0.340273435',
    [
      {
        inputModel: 'mnist4.tflite',
        outputModel: 'mnist4_edgetpu.tflite',
        operations: 10,
        onEdgeTpu: 8,
        onCpu: 2,
        rows: rowsOf(
          ['CONV_2D', 2, mapped],
          ['DEQUANTIZE', 1, dataType],
          ['FULLY_CONNECTED', 2, mapped],
          ['MAX_POOL_2D', 2, mapped],
          ['QUANTIZE', 1, limitation],
          ['RESHAPE', 1, mapped],
          ['SOFTMAX', 1, mapped],
        ),
      },
    ],
  ],
  [
    'a .log of 15.0: integer input and output map whole',
    samples.mnistIntegerLog,
    '15.0.340273435',
    [
      {
        inputModel: 'mnist7.tflite',
        outputModel: 'mnist7_edgetpu.tflite',
        operations: 8,
        onEdgeTpu: 8,
        onCpu: 0,
        rows: rowsOf(
          ['CONV_2D', 2, mapped],
          ['FULLY_CONNECTED', 2, mapped],
          ['MAX_POOL_2D', 2, mapped],
          ['RESHAPE', 1, mapped],
          ['SOFTMAX', 1, mapped],
        ),
      },
    ],
  ],
  [
    'standard output of 15.0 with its table, 2 of 36 mapped',
    samples.tinyYolo15,
    '15.0.340273435',
    [
      {
        inputModel: '/nets/yolo/yolov3-tiny_int8.tflite',
        outputModel: '/nets/yolo/yolov3-tiny_int8_edgetpu.tflite',
        inputSizeBytes: Math.round(8.58 * mib),
        outputSizeBytes: Math.round(8.7 * mib),
        operationLog: '/nets/yolo/yolov3-tiny_int8_edgetpu.log',
        subgraphs: 1,
        operations: 36,
        onEdgeTpu: 2,
        onCpu: 34,
        onChipBytes: 3 * kib,
        onChipRemainingBytes: Math.round(7.67 * mib),
        offChipBytes: 0,
        rows: rowsOf(
          ['CONCATENATION', 1, anotherSubgraph],
          ['CONV_2D', 1, mapped],
          ['CONV_2D', 12, anotherSubgraph],
          ['LEAKY_RELU', 11, unsupported],
          ['MAX_POOL_2D', 6, anotherSubgraph],
          ['QUANTIZE', 1, mapped],
          ['QUANTIZE', 1, anotherSubgraph],
          ['QUANTIZE', 2, limitation],
          ['RESIZE_NEAREST_NEIGHBOR', 1, tooNew],
        ),
      },
    ],
  ],
  [
    'standard output of 16.0 without its table',
    samples.efficientDet16,
    '16.0.384591198',
    [
      {
        inputModel: 'efficientdet_coral_v2.tflite',
        outputModel: 'efficientdet_coral_v2_edgetpu.tflite',
        inputSizeBytes: Math.round(4.24 * mib),
        outputSizeBytes: Math.round(5.57 * mib),
        operationLog: 'efficientdet_coral_v2_edgetpu.log',
        subgraphs: 1,
        operations: 267,
        onEdgeTpu: 264,
        onCpu: 3,
        onChipBytes: Math.round(4.21 * mib),
        onChipRemainingBytes: Math.round(3.29 * mib),
        offChipBytes: 0,
      },
    ],
  ],
  [
    'success of 16.0 with nothing mapped, cut short',
    samples.zeroSubgraphs16,
    '16.0.384591198',
    [
      {
        inputModel: 'conv_net.tflite',
        outputModel: 'conv_net_edgetpu.tflite',
        inputSizeBytes: Math.round(23.23 * kib),
        outputSizeBytes: Math.round(22.64 * kib),
        operationLog: 'conv_net_edgetpu.log',
        subgraphs: 0,
        operations: 9,
        onEdgeTpu: 0,
        onCpu: 9,
        onChipBytes: 0,
        onChipRemainingBytes: 0,
        offChipBytes: 0,
      },
    ],
  ],
  [
    'two models compiled together by 16.0, cut short',
    samples.together16,
    '16.0.384591198',
    [
      {
        inputModel: 'temp_models/1.tflite',
        outputModel: 'temp_models/co-compiled/2/1_edgetpu.tflite',
        inputSizeBytes: Math.round(1.91 * mib),
        outputSizeBytes: Math.round(2.52 * mib),
        operationLog: 'temp_models/co-compiled/2/1_edgetpu.log',
        subgraphs: 1,
        operations: 57,
        onEdgeTpu: 57,
        onCpu: 0,
        onChipBytes: Math.round(2.27 * mib),
        onChipRemainingBytes: Math.round(1.07 * mib),
        offChipBytes: 0,
      },
      {
        inputModel: 'temp_models/2.tflite',
        outputModel: 'temp_models/co-compiled/2/2_edgetpu.tflite',
        inputSizeBytes: Math.round(1.87 * mib),
        outputSizeBytes: Math.round(2.06 * mib),
        subgraphs: 1,
        operations: 6,
        onEdgeTpu: 6,
        onCpu: 0,
        onChipBytes: 2 * mib,
        onChipRemainingBytes: Math.round(1.07 * mib),
        offChipBytes: 0,
      },
    ],
  ],
  [
    'a .log of 2.0 of a whole network',
    samples.mobileNetV2Log,
    '2.0.267685300',
    [
      {
        inputModel: 'mobilenet_v2.tflite',
        outputModel: 'mobilenet_v2_edgetpu.tflite',
        operations: 72,
        onEdgeTpu: 70,
        onCpu: 2,
        rows: rowsOf(
          ['ADD', 10, mapped],
          ['CONV_2D', 35, mapped],
          ['DEPTHWISE_CONV_2D', 17, mapped],
          ['DEQUANTIZE', 1, dataType],
          ['FULLY_CONNECTED', 1, mapped],
          ['MEAN', 1, mapped],
          ['PAD', 5, mapped],
          ['QUANTIZE', 1, limitation],
          ['SOFTMAX', 1, mapped],
        ),
      },
    ],
  ],
];

describe('parseCompilerOutput', () => {
  for (const [name, text, version, models] of table) {
    const expected = models.map((model) => ({ ...nothing, ...model }));
    it(`takes every figure: ${name}`, () => {
      const output = parseCompilerOutput(text);
      assert.deepEqual([output.version, output.failure], [version, null]);
      assert.deepEqual(output.models, expected);
    });
    it(`reads the same from a file with CRLF: ${name}`, () => {
      assert.deepEqual(parseCompilerOutput(text.replaceAll('\n', '\r\n')).models, expected);
    });
  }

  it('reads several logs that were joined', () => {
    const { models } = parseCompilerOutput(`${samples.mnistFloatLog}\n${samples.mnistIntegerLog}`);
    assert.deepEqual(
      models.map(({ inputModel, onCpu }) => [inputModel, onCpu]),
      [
        ['mnist4.tflite', 2],
        ['mnist7.tflite', 0],
      ],
    );
  });

  it('tells the tries of a search apart, with the tensors at which they cut', () => {
    const { attempts, failure } = parseCompilerOutput(samples.searchFailure16);
    const reason = 'Compilation failed due to large activation tensors in model.';
    assert.equal(failure, reason);
    assert.deepEqual(attempts, [
      { operations: 424, intermediateTensors: [], timerSeconds: 180, durationMs: null, failure: reason },
      {
        operations: 423,
        intermediateTensors: ['tfl.dequantize', 'Sigmoid1'],
        timerSeconds: 180,
        durationMs: null,
        failure: null,
      },
    ]);
    const found = samples.yoloSearch16.slice(samples.yoloSearch16.indexOf('\nModel compiled') + 1);
    const rest = parseCompilerOutput(`${samples.searchFailure16}${found}`);
    assert.deepEqual([rest.failure, rest.models.length, rest.attempts[1]?.durationMs], [null, 1, 3133]);
  });

  it('takes each segment of a pipeline as a model of its own, whatever it begins with', () => {
    const segment = (index: number): string =>
      samples.efficientDet16.replaceAll('efficientdet_coral_v2', `my nets/part_segment_${index}_of_2`);
    const withoutHead = segment(1).replace(/^Edge TPU.*\n/, '');
    for (const second of [segment(1), withoutHead]) {
      const { models, attempts, failure } = parseCompilerOutput(`${segment(0)}${second}`);
      assert.equal(failure, null);
      assert.deepEqual(
        models.map(({ outputModel, operations }) => [outputModel, operations]),
        [0, 1].map((index) => [`my nets/part_segment_${index}_of_2_edgetpu.tflite`, 267]),
      );
      assert.deepEqual(
        attempts.map(({ durationMs }) => durationMs),
        [1524, 1524],
      );
    }
  });

  it('works out what is left of the memory from what version 2.0 says there was', () => {
    const old = samples.tinyYolo15
      .replace(/^On-chip memory remaining.*\n/m, '')
      .replace(
        'On-chip memory used',
        'On-chip memory available for caching model parameters: 7.62MiB\nOn-chip memory used',
      );
    const [model] = parseCompilerOutput(old).models;
    assert.deepEqual([model?.onChipBytes, model?.onChipRemainingBytes], [3 * kib, Math.round(7.62 * mib) - 3 * kib]);
  });

  it('leaves open what a text does not say', () => {
    const lines = samples.efficientDet16
      .split('\n')
      .filter((line) => !/^(On-chip|Off-chip|Total|Number|Input size)/.test(line));
    const [model] = parseCompilerOutput(lines.join('\n')).models;
    assert.deepEqual(model, {
      ...nothing,
      inputModel: 'efficientdet_coral_v2.tflite',
      outputModel: 'efficientdet_coral_v2_edgetpu.tflite',
      outputSizeBytes: Math.round(5.57 * mib),
      operationLog: 'efficientdet_coral_v2_edgetpu.log',
    });
  });

  it('reads bytes in every unit and refuses what is none', () => {
    for (const [text, bytes] of [
      ['0.00B', 0],
      ['12.00B', 12],
      ['1.50GiB', 1.5 * 1024 * mib],
      ['7.16 MiB', null],
      ['x', null],
    ] as const) {
      const [model] = parseCompilerOutput(`Input model: a b.tflite\nInput size: ${text}\n`).models;
      assert.deepEqual([model?.inputModel, model?.inputSizeBytes], ['a b.tflite', bytes]);
    }
  });
});

describe('parseOperatorTable', () => {
  it('gives the same rows whatever their order, and nothing behind the table', () => {
    const rows = parseOperatorTable(samples.tinyYoloLog);
    const lines = samples.tinyYoloLog.trimEnd().split('\n');
    const reversed = [...lines.slice(0, 6), ...lines.slice(6).toReversed()].join('\n');
    assert.deepEqual(parseOperatorTable(`${reversed}\nCompilation 12 things\n\nADD 7 Mapped to Edge TPU\n`), rows);
    assert.equal(rows.length, 8);
  });
});
