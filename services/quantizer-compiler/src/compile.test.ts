import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { AtollError, isAtollError } from '@atoll/base/error';
import { openModel } from '@atoll/runtime/open';
import { readLabels, readMetadata } from '@atoll/tflite/metadata';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { quantizeModel } from './compile.js';
import type { QuantizeRequest, QuantizeResult } from './compile.js';
import type { CompilePorts } from './stages.js';
import { layersModel, referenceLayers, smoothPhotos } from './test-models.js';

const labels = ['airplane', 'automobile', 'bird', 'deer', 'frog', 'ship'];

interface Trace {
  readonly stages: string[];
  readonly graphs: Map<string, string>;
}

function portsWith(trace: Trace, backend: 'auto' | 'wasm' = 'auto'): CompilePorts {
  return {
    signal: new AbortController().signal,
    nowMs: () => performance.now(),
    openModel: (bytes) => openModel(bytes, { backend, libraries: cachePaths(process.env) }),
    onStage: (stage) => {
      if (trace.stages.at(-1) !== stage) trace.stages.push(stage);
    },
    onWarning: () => undefined,
    onGraph: (stage, print) => trace.graphs.set(stage, print()),
  };
}

const newTrace = (): Trace => ({ stages: [], graphs: new Map() });

function quantize(request: Partial<QuantizeRequest>, ports = portsWith(newTrace())): Promise<QuantizeResult> {
  return quantizeModel(
    {
      files: layersModel(referenceLayers(32), 1),
      photos: smoothPhotos(12, 1),
      heldOut: [],
      evalPhotos: smoothPhotos(20, 2),
      labels,
      pixels: '0..1',
      mode: 'full-integer',
      ranges: 'minmax',
      inputType: 'uint8',
      outputType: 'uint8',
      ...request,
    },
    ports,
  );
}

describe('quantizeModel', () => {
  it('makes a full-integer model of the reference network at its real size', async () => {
    const trace = newTrace();
    const { int8, float, report } = await quantize(
      { files: layersModel(referenceLayers(100), 1), photos: smoothPhotos(8, 1), evalPhotos: smoothPhotos(10, 2) },
      portsWith(trace),
    );
    assert.deepEqual(trace.stages, [
      'import',
      'verify',
      'passes',
      'calibrate',
      'plan',
      'quantize',
      'write',
      'edgetpu',
      'report',
    ]);
    assert.equal(report.parameters, 1_722_886);
    assert.ok(float.length / int8.length >= 3.9, `${float.length} / ${int8.length}`);
    assert.deepEqual(
      report.ops.map(({ op, version, count }) => `${count} ${op} ${version}`),
      ['2 QUANTIZE 1', '3 CONV_2D 3', '3 MAX_POOL_2D 2', '1 RESHAPE 1', '2 FULLY_CONNECTED 4', '1 SOFTMAX 2'],
    );
    assert.equal(report.edgeTpu.onCpu, 0);
    assert.deepEqual(report.input, {
      name: 'input',
      type: 'uint8',
      shape: [1, 100, 100, 3],
      scale: Math.fround(1 / 255),
      zeroPoint: 0,
    });
    assert.deepEqual(report.output, {
      name: 'dense_2',
      type: 'uint8',
      shape: [1, 6],
      scale: 1 / 256,
      zeroPoint: 0,
    });
    const model = readModel(int8);
    assert.deepEqual(readLabels(int8, model), labels);
    assert.ok(mainSubgraph(model).tensors.every(({ type }) => type !== 'float32'));
  });

  for (const backend of ['auto', 'wasm'] as const) {
    it(`stays close to the float model (${backend})`, async () => {
      const { report } = await quantize({}, portsWith(newTrace(), backend));
      assert.equal(report.eval?.images, 20);
      assert.ok(report.eval.meanAbsError < 0.01, JSON.stringify(report.eval));
      assert.ok(report.eval.maxAbsError < 0.06, JSON.stringify(report.eval));
      assert.equal('floatTop1' in report.eval, false);
    });
  }

  it('prints the graph between stages, with weights and scales in their places', async () => {
    const trace = newTrace();
    await quantize({ evalPhotos: [] }, portsWith(trace));
    const fused = trace.graphs.get('fuse-activation') ?? '';
    assert.match(
      fused,
      /conv_1:float32\[1,30,30,16\] = CONV_2D\(input, conv_1\/kernel:float32\[16,3,3,3\], conv_1\/bias:float32\[16\]\) \{.*activation=1/,
    );
    assert.doesNotMatch(fused, /RELU\(/);
    const lines = (trace.graphs.get('quantize') ?? '').split('\n');
    const scaleOf = (value: string): string | undefined =>
      lines
        .map((line) => new RegExp(`^  ${value}:int8\\[[\\d,]+\\]\\*(\\S+) =`).exec(line)?.[1])
        .find((found) => found !== undefined);
    assert.notEqual(scaleOf('conv_1'), undefined);
    assert.equal(scaleOf('pool_1'), scaleOf('conv_1'));
    assert.equal(scaleOf('flatten'), scaleOf('conv_3'));
    assert.match(lines.join('\n'), /conv_2\/kernel:int8\[64,3,3,16\]\*64 scales/);
    assert.match(lines.join('\n'), /dense_1\/kernel:int8\[128,512\]\*\d/);
  });

  for (const [inputType, outputType] of [
    ['int8', 'int8'],
    ['float32', 'float32'],
    ['uint8', 'float32'],
  ] as const) {
    it(`takes ${inputType} and gives ${outputType}`, async () => {
      const { int8, report } = await quantize({ inputType, outputType });
      assert.equal(report.input.type, inputType);
      assert.equal(report.output.type, outputType);
      assert.ok((report.eval?.meanAbsError ?? 1) < 0.01, JSON.stringify(report.eval));
      const names = new Set(report.ops.map(({ op }) => op));
      assert.equal(names.has('DEQUANTIZE'), outputType === 'float32');
      assert.equal(names.has('QUANTIZE'), inputType !== 'int8');
      assert.ok(int8.length > 0);
    });
  }

  it('counts top-1 where the label of a photo is known', async () => {
    const { report } = await quantize({ evalPhotos: smoothPhotos(14, 2, [...labels, 'unknown']) });
    assert.ok((report.eval?.floatTop1 ?? -1) >= 0 && (report.eval?.int8Top1 ?? -1) >= 0);
  });

  it('folds a Rescaling layer into the first convolution', async () => {
    const [first, ...rest] = referenceLayers(32);
    assert.ok(first !== undefined);
    const { batch_input_shape: shape, ...config } = first.config;
    const scaled = [
      {
        class_name: 'Rescaling',
        config: { name: 'rescaling', scale: 1 / 127.5, offset: -1, batch_input_shape: shape },
      },
      { class_name: 'Conv2D', config },
      ...rest,
    ];
    const { report } = await quantize({ files: layersModel(scaled, 1), pixels: '0..255' });
    assert.deepEqual(
      report.ops.filter(({ op }) => op === 'MUL' || op === 'ADD'),
      [],
    );
    assert.equal(report.input.scale, 1);
    assert.ok((report.eval?.meanAbsError ?? 1) < 0.01, JSON.stringify(report.eval));
  });

  it('takes its own float .tflite back and makes the same int8 model of it', async () => {
    const first = await quantize({ evalPhotos: [] });
    const second = await quantize({ evalPhotos: [], files: new Map([['float.tflite', first.float]]) });
    assert.deepEqual(second.report.ops, first.report.ops);
    assert.ok(Buffer.from(second.float).equals(first.float));
    assert.equal(second.int8.length, first.int8.length);
  });

  it('takes pixels from -1 to 1 within half a count', async () => {
    const { report } = await quantize({ pixels: '-1..1' });
    assert.deepEqual([report.input.scale, report.input.zeroPoint], [Math.fround(1 / 127.5), 128]);
    assert.ok((report.eval?.meanAbsError ?? 1) < 0.02, JSON.stringify(report.eval));
  });

  it('errs less with ranges auto than with minmax on photos that neither has seen', async () => {
    const [auto, minmax] = [
      await quantize({ ranges: 'auto', photos: smoothPhotos(24, 1), heldOut: smoothPhotos(24, 3) }),
      await quantize({ ranges: 'minmax', photos: smoothPhotos(24, 1) }),
    ];
    assert.ok(
      (auto.report.eval?.meanAbsError ?? 1) < (minmax.report.eval?.meanAbsError ?? 0),
      JSON.stringify(auto.report.eval),
    );
    assert.deepEqual(auto.report.ops, minmax.report.ops);
  });

  it('tells of every activation how far it is from the float model, and how its range was chosen', async () => {
    const { report, details } = await quantize({ ranges: 'auto' });
    assert.deepEqual(
      report.tensors?.map(({ name }) => name),
      details.tensors.filter(({ sqnrDb }) => sqnrDb !== null).map(({ name }) => name),
    );
    assert.ok((report.tensors?.length ?? 0) >= 8);
    assert.ok(
      report.tensors?.every(({ sqnrDb, clipped }) => (sqnrDb ?? 0) > 15 && (clipped ?? 1) < 0.2),
      JSON.stringify(report.tensors),
    );
    const methodOf = (name: string): string | undefined => details.tensors.find((one) => one.name === name)?.method;
    assert.deepEqual(['input', 'pool_1', 'dense_2/linear', 'dense_2'].map(methodOf), [
      'pixels',
      'same as its input',
      'logits',
      'fixed',
    ]);
  });

  for (const [mode, share, error] of [
    ['dynamic-range', 0.3, 0.01],
    ['float16', 0.55, 0.001],
  ] as const) {
    it(`makes a smaller model of float inputs and outputs without photos: ${mode}`, async () => {
      const borders = { inputType: 'float32', outputType: 'float32' } as const;
      const { int8, float, report } = await quantize({ mode, photos: [], ...borders });
      assert.ok(int8.length < share * float.length, `${int8.length} of ${float.length}`);
      assert.deepEqual([report.input.type, report.output.type, report.calibrationImages], ['float32', 'float32', 0]);
      assert.ok((report.eval?.meanAbsError ?? 1) < error, JSON.stringify(report.eval));
      assert.deepEqual(readLabels(int8, readModel(int8)), labels);
    });
  }

  const vectorModel = layersModel(
    [
      {
        class_name: 'Dense',
        config: { name: 'dense', units: 6, activation: 'softmax', use_bias: true, batch_input_shape: [null, 2048] },
      },
    ],
    1,
  );
  for (const mode of ['dynamic-range', 'float16'] as const) {
    it(`needs no photo input in mode ${mode} while nothing is compared`, async () => {
      const borders = { inputType: 'float32', outputType: 'float32', mode, photos: [], evalPhotos: [] } as const;
      const { int8, float, report } = await quantize({ ...borders, files: vectorModel });
      assert.deepEqual(report.input.shape, [1, 2048]);
      assert.ok(int8.length < 0.6 * float.length, `${int8.length} of ${float.length}`);
      assert.match(report.warnings.join(), /the labels were left out of the file/);
    });
  }

  it('takes grey photos for a picture of one channel, and for one without channels', async () => {
    for (const shape of [
      [null, 12, 10, 1],
      [null, 12, 10],
    ]) {
      const flatten = { class_name: 'Flatten', config: { name: 'flatten', batch_input_shape: shape } };
      const dense = { class_name: 'Dense', config: { name: 'dense', units: 6, activation: 'softmax', use_bias: true } };
      const { int8, report } = await quantize({ files: layersModel([flatten, dense], 1) });
      assert.deepEqual([report.calibrationImages, report.eval?.images], [12, 20]);
      assert.ok((report.eval?.agreement ?? 0) > 0.8, JSON.stringify(report.eval));
      const [image] = readMetadata(readModel(int8))?.subgraphs[0]?.inputs ?? [];
      assert.equal(image?.description, 'Grey pixels, row by row from the top left');
    }
  });

  for (const request of [{}, { mode: 'float16', inputType: 'float32', outputType: 'float32' }] as const) {
    it(`refuses photos for an input that is no picture (${'mode' in request ? 'eval' : 'full-integer'})`, async () => {
      await assert.rejects(
        quantize({ ...request, files: vectorModel }),
        (error) =>
          isAtollError(error, 'INVALID_ARGUMENT') && /^cannot feed photos .* \[1, 2048\]: [^\n]+$/.test(error.message),
      );
    });
  }

  it('leaves out photos that cannot be decoded, and says so', async () => {
    const [good, bad] = smoothPhotos(2, 1);
    assert.ok(good !== undefined && bad !== undefined);
    const broken = {
      ...bad,
      pixels: () => Promise.reject(new AtollError('INVALID_ARGUMENT', 'cannot decode photo-1.png: cut')),
    };
    const { report } = await quantize({ photos: [good, broken], evalPhotos: [] });
    assert.equal(report.calibrationImages, 1);
    assert.match(report.warnings.join(), /1 of 2 photos could not be decoded and were left out: photo-1\.png/);
  });
});

describe('quantizeModel refuses', () => {
  const refusals: readonly (readonly [string, Partial<QuantizeRequest>, RegExp])[] = [
    [
      'labels that do not fit',
      { labels: labels.slice(1) },
      /^cannot label the model: 5 labels are given for 6 classes$/,
    ],
    ['a run without photos', { photos: [] }, /^cannot calibrate: there are no representative photos$/],
    [
      'an unknown layer, by name and file',
      { files: layersModel([...referenceLayers(32), { class_name: 'Lambda', config: { name: 'lambda_1' } }], 1) },
      /^cannot import model\.json: layer lambda_1 \(Lambda\) is not supported/,
    ],
    [
      'files that are no model',
      { files: new Map([['notes.txt', new Uint8Array(3)]]) },
      /^cannot import notes\.txt: a \.h5, a \.keras, a float/,
    ],
    [
      'a truncated .h5',
      { files: new Map([['m.h5', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0, 0)]]) },
      /^cannot import m\.h5: the HDF5 file is damaged/,
    ],
  ];
  for (const [name, request, message] of refusals) {
    it(name, async () => {
      await assert.rejects(
        quantize(request),
        (error) => isAtollError(error) && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  it('a .tflite cut in half', async () => {
    const { float } = await quantize({ evalPhotos: [] });
    const files = new Map([['model.tflite', float.subarray(0, float.length >> 1)]]);
    await assert.rejects(
      quantize({ files }),
      (error) => isAtollError(error, 'DATA_LOSS') && /^cannot read model\.tflite: [^\n]+$/.test(error.message),
    );
  });

  it('a model that is quantized already', async () => {
    const { int8 } = await quantize({ evalPhotos: [] });
    await assert.rejects(
      quantize({ files: new Map([['model.tflite', int8]]) }),
      (error) =>
        isAtollError(error, 'INVALID_ARGUMENT') && /is uint8: the model is quantized already/.test(error.message),
    );
  });
});
