import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { decodeFlexMap } from './flexbuffer.js';
import { inspectEdgeTpu } from './inspect.js';
import type { PackageInfo } from './inspect.js';
import { packageProblems } from './package-problems.js';
import { printCompiled } from './print-compiled.js';

const coral = join(import.meta.dirname, '../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';
const load = (name: string): TfLiteModel => readModel(readFileSync(join(coral, `${name}.tflite`)), name);

/** Where the custom options lie in a file. */
function findOptions(whole: Buffer, name: string): { readonly start: number; readonly end: number } {
  const model = readModel(whole, name);
  const found = mainSubgraph(model).operators.find(({ customOptions }) => customOptions.length > 0);
  assert.ok(found !== undefined);
  const start = found.customOptions.byteOffset - whole.byteOffset;
  return { start, end: start + found.customOptions.length };
}

/** A byte within a kilobyte of one end of the options. */
function tableByte({ start, end }: ReturnType<typeof findOptions>, below: (limit: number) => number): number {
  return below(2) === 0 ? start + below(1024) : end - 1 - below(1024);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
}

describe('inspectEdgeTpu', { skip }, () => {
  it('reads the package of a compiled MobileNetV1', () => {
    const compiled = inspectEdgeTpu(load('mobilenet_v1_0.25_128_quant_edgetpu'));
    assert.equal(compiled?.minRuntimeVersion, 12);
    assert.equal(compiled.onChipBytes + compiled.offChipBytes, 566_912);
    const [only] = compiled.packages;
    assert.deepEqual(only?.executables.map(({ kind }) => kind).toSorted(), ['execution-only', 'parameter-caching']);
    const runs = only.executables.find(({ kind }) => kind === 'execution-only');
    assert.equal(runs?.chip, 'beagle');
    assert.deepEqual(runs.inputs[0]?.shape, [128, 128, 3]);
    assert.equal(runs.outputs[0]?.shape[2], 1001);
    assert.notEqual(runs.parameterCachingToken, '0');
  });

  // Bytes as measured in google-coral/test_data: instructions of the executable that runs and of the one that caches, memory a tile.
  const measured = [
    ['mobilenet_v1_0.25_128_quant', 12, 566_912, 170_032, 12_624, 8_996],
    ['deeplabv3_mnv2_dm05_pascal_quant', 12, 766_720, 160_672, 8_016, 192_744],
    ['keras_lstm_mnist_ptq', 12, 44_544, 60_864, 3_152, 4_876],
    ['split_concat', 13, 192, 23_648, 1_232, 832],
  ] as const;
  for (const [name, runtime, parameters, running, caching, tile] of measured) {
    it(`${name}: runtime, parameters, instructions and memory`, () => {
      const compiled = inspectEdgeTpu(load(`${name}_edgetpu`));
      assert.ok(compiled !== null);
      assert.deepEqual([compiled.minRuntimeVersion, compiled.problems], [runtime, []]);
      const [part] = compiled.packages;
      assert.equal(compiled.packages.length, 1);
      assert.equal(compiled.onChipBytes + compiled.offChipBytes, parameters);
      const [runs, caches] = (['execution-only', 'parameter-caching'] as const).map((kind) =>
        part?.executables.find((one) => one.kind === kind),
      );
      assert.deepEqual([runs?.instructionBytes, caches?.instructionBytes, runs?.tileBytes], [running, caching, tile]);
      assert.equal(runs?.parameterCachingToken, caches?.parameterCachingToken);
      // Layers carry the quantization of the tensors that they stand for.
      const { tensors } = mainSubgraph(load(`${name}_edgetpu`));
      for (const layer of [...(runs?.inputs ?? []), ...(runs?.outputs ?? [])]) {
        const tensor = tensors.find((one) => one.name === layer.name);
        if (tensor === undefined) continue;
        const [scale] = tensor.quantization?.scale ?? [];
        const unsigned = { int8: 128, int16: 32_768 }[tensor.type as string] ?? 0;
        assert.deepEqual(
          [layer.scale, layer.zeroPoint, layer.type],
          [scale, (tensor.quantization?.zeroPoint[0] ?? 0) + unsigned, tensor.type],
          layer.name,
        );
      }
    });
  }

  it('names what is left to the CPU and what crosses the border', () => {
    const compiled = inspectEdgeTpu(load('deeplabv3_mnv2_dm05_pascal_quant_edgetpu'));
    assert.deepEqual(compiled?.cpuOps.slice(0, 2), [
      { op: 'RESIZE_BILINEAR', tensor: 'ResizeBilinear' },
      { op: 'QUANTIZE', tensor: 'ResizeBilinear1' },
    ]);
    assert.deepEqual(
      compiled.packages[0]?.outputs.map(({ type, shape }) => `${type}[${shape.join()}]`),
      ['uint8[1,33,33,256]', 'uint8[1,1,1,256]'],
    );
    const text = printCompiled(compiled);
    assert.match(
      text,
      /^edge tpu: 1 compiled part, runtime 12 or newer, 766,720 bytes of parameters on the chip, 0 bytes sent/,
    );
    assert.match(text, /left to the CPU: 8 operators\n {4}RESIZE_BILINEAR ResizeBilinear\n/);
    assert.match(
      text,
      /execution-only for beagle: 0 bytes of parameters, 160,672 bytes of instructions, 192,744 bytes of memory/,
    );
    assert.doesNotMatch(text, /problem/);
  });

  it('tells what the runtime would refuse', () => {
    const [part] = inspectEdgeTpu(load('mobilenet_v1_0.25_128_quant_edgetpu'))?.packages ?? [];
    assert.ok(part !== undefined);
    const [runs, caches] = part.executables;
    assert.ok(runs !== undefined && caches !== undefined);
    const cases: readonly (readonly [Partial<PackageInfo>, RegExp])[] = [
      [{ minRuntimeVersion: 15 }, /^it needs runtime 15, and 14 is the newest$/],
      [{ virtualChipId: -1 }, /^it is for chip -1 of several$/],
      [{ executables: [runs, runs] }, /^it has executables that do not belong together/],
      [{ executables: [caches] }, /^it has no executable that runs$/],
      [{ executables: [{ ...runs, batchSize: 0 }, caches] }, /^an executable has no batch size$/],
      [{ inputs: [{ name: 'other', type: 'uint8', shape: [1] }] }, /^input "other" has no layer$/],
      [
        { inputs: [{ name: 'input', type: 'int8', shape: [1, 128, 128, 3] }] },
        /^input "input" is int8, its layer uint8$/,
      ],
      [{ inputs: [{ name: 'input', type: 'uint8', shape: [1, 64, 64, 3] }] }, /has 12288 values, its layer 49152$/],
    ];
    for (const [change, problem] of cases) {
      const problems = packageProblems({ ...part, ...change });
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', problem);
    }
  });

  // 250 files a model: cut, bits flipped, blocks zeroed, absurd lengths. Seeded; a failure names its round.
  for (const name of measured.map(([one]) => one)) {
    it(`${name}: a damaged file gives a clear error or a description, never a crash (seed 11)`, () => {
      const whole = readFileSync(join(coral, `${name}_edgetpu.tflite`));
      const options = findOptions(whole, name);
      const random = seeded(11);
      const below = (limit: number): number => Math.floor(random() * limit);
      let refused = 0;
      for (let round = 0; round < 250; round++) {
        const bytes = Uint8Array.from(whole);
        // Half of the damage goes where the package's own tables lie: behind the instructions and parameters, at both ends.
        const near = round % 2 === 0 ? below(bytes.length) : tableByte(options, below);
        const kind = round % 4;
        if (kind === 1) bytes[near] = (bytes[near] ?? 0) ^ (1 << below(8));
        else if (kind === 2) bytes.fill(0, near, near + 1 + below(64));
        else if (kind === 3) bytes.set([0xff, 0xff, 0xff, below(256)], Math.min(near, bytes.length - 4));
        const damaged = kind === 0 ? bytes.subarray(0, near) : bytes;
        try {
          const compiled = inspectEdgeTpu(readModel(damaged, 'x.tflite'), 'x.tflite');
          if (compiled !== null) printCompiled(compiled);
        } catch (error) {
          refused++;
          assert.ok(isAtollError(error), `round ${round}: ${String(error)}`);
          assert.match(error.message, /^cannot read [^\n]{1,400}$/, `round ${round}`);
        }
      }
      assert.ok(refused > 60, `only ${refused} of 250 were refused`);
    });
  }

  it('finds nothing compiled in an ordinary model', () => {
    assert.equal(inspectEdgeTpu(load('split_concat')), null);
  });

  it('refuses a package that was cut or overwritten, in one line', () => {
    const model = load('split_concat_edgetpu');
    const [operator] = mainSubgraph(model).operators;
    assert.ok(operator !== undefined);
    const broken = (customOptions: Uint8Array): TfLiteModel => ({
      ...model,
      subgraphs: [{ ...mainSubgraph(model), operators: [{ ...operator, customOptions }] }],
    });
    const half = operator.customOptions.slice(operator.customOptions.length >> 1);
    const zeroed = Uint8Array.from(operator.customOptions).fill(0, 8, 4000);
    for (const options of [new Uint8Array(), half, zeroed, zeroed.subarray(0, 9)]) {
      assert.throws(
        () => inspectEdgeTpu(broken(options), 'x.tflite'),
        (error) => isAtollError(error) && /^cannot read the Edge TPU package of x\.tflite: [^\n]+$/.test(error.message),
      );
    }
  });
});

describe('decodeFlexMap', () => {
  it('reads integers, strings and negative numbers by key', () => {
    // {"a": -1, "b": "xy"}: keys "a" and "b", the string with its size before it, the vector of keys, the map, the root.
    // prettier-ignore
    const file = Uint8Array.of(
      0x61, 0, 0x62, 0, 2, 0x78, 0x79, 0,
      2, 9, 8,
      2, 1, 2, 0xff, 10, 4, 20,
      4, 36, 1,
    );
    const values = decodeFlexMap(file, 'it');
    assert.equal(values.get('a'), -1);
    assert.deepEqual(values.get('b'), Uint8Array.of(0x78, 0x79));
  });

  it('refuses random bytes without crashing (seed 7)', () => {
    let state = 7;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: 3 + Math.floor(random() * 40) }, () => Math.floor(random() * 256));
      bytes[bytes.length - 1] = 1;
      bytes[bytes.length - 2] = 36;
      try {
        decodeFlexMap(bytes, 'it');
      } catch (error) {
        assert.ok(isAtollError(error, 'DATA_LOSS'), String(error));
      }
    }
  });
});
