import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { plainOptions } from '@atoll/edgetpu/compiler-options';
import type { CompilerOptions } from '@atoll/edgetpu/compiler-options';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { compileForEdgeTpu } from './compile-for-edge-tpu.js';
import { logText, say, standIn, success } from './compiler-for-tests.js';
import { findCompiler } from './find-compiler.js';
import type { CompilerRun } from './run-compiler.js';

const coral = join(import.meta.dirname, '../../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';
const name = 'mobilenet_v1_0.25_128_quant';

describe('compileForEdgeTpu with a program in the place of the compiler', { skip }, () => {
  let root = '';
  let model: Uint8Array = new Uint8Array();
  let lstm: Uint8Array = new Uint8Array();

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-edgetpu-'));
    model = await readFile(join(coral, `${name}.tflite`));
    lstm = await readFile(join(coral, 'keras_lstm_mnist_ptq.tflite'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const run = (path: string, more: Partial<CompilerRun> = {}): Omit<CompilerRun, 'options'> => ({
    program: path,
    workFolder: root,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    ...more,
  });
  const compile = (path: string, options: Partial<CompilerOptions> = {}, more: Partial<CompilerRun> = {}) =>
    compileForEdgeTpu(new Map([['mobile.tflite', model]]), { ...plainOptions, ...options }, run(path, more));
  const leave = (file: string, stem = '${STEM}'): string =>
    `cp '${join(coral, file)}' "$OUT/${stem}_edgetpu.tflite"\n${say(logText, `>"$OUT/${stem}_edgetpu.log"`)}`;
  const compiled = leave(`${name}_edgetpu.tflite`);
  const leftovers = async (): Promise<string[]> => (await readdir(root)).filter((one) => one.startsWith('edgetpu-'));
  const refusedAs = (id: string, message: RegExp) => (error: unknown) =>
    isAtollError(error, 'FAILED_PRECONDITION') &&
    error.detail['compilerFailure'] === id &&
    message.test(error.message) &&
    error.message.startsWith('cannot compile mobile.tflite for the Edge TPU: ') &&
    !error.message.includes('\n');

  it('gives the compiled file, its log and figures read from the file', async () => {
    const { path, calls } = await standIn(root, `${compiled}\n${say(success('mobile'))}`);
    const { files, report } = await compile(path);
    assert.deepEqual([...files.keys()], ['mobile_edgetpu.tflite', 'mobile_edgetpu.log']);
    assert.deepEqual(
      [report.compiled, report.compiler, report.onEdgeTpu, report.onCpu, report.subgraphs],
      [true, '16.0.384591198', 31, 0, 1],
    );
    assert.equal(report.onChipBytes + report.offChipBytes, 566_912);
    assert.deepEqual(
      report.ops.map(({ op, count }) => `${op} ${count}`),
      ['CONV_2D 15', 'DEPTHWISE_CONV_2D 13'],
    );
    assert.deepEqual(report.warnings, []);
    assert.ok(report.models[0]?.plan.every((op) => op.compiled === true && op.mapped));
    assert.deepEqual(await leftovers(), []);
    const [args] = await calls();
    assert.deepEqual(args?.slice(0, 2), ['-s', '-o']);
    assert.deepEqual(args?.length, 4);
  });

  it('passes every option as one argument each, semicolons and all', async () => {
    const fused = 'sequential/output/MatMul;sequential/output/BiasAdd';
    const { path, calls } = await standIn(
      root,
      `${leave('keras_lstm_mnist_ptq_edgetpu.tflite')}\n${say(success('lstm'))}`,
    );
    const options = {
      minRuntimeVersion: 13,
      intermediateTensors: [fused, 'sequential/flatten/Reshape'],
      numSegments: 1,
      searchDelegate: true,
      delegateSearchStep: 30,
      timeoutSeconds: 60,
      multipleSubgraphs: true,
    };
    await compileForEdgeTpu(new Map([['lstm.tflite', lstm]]), options, run(path));
    const [args = []] = await calls();
    assert.equal(
      args.slice(3, -1).join(' | '),
      `-m | 13 | -i | ${fused},sequential/flatten/Reshape | -d | -k | 30 | -t | 60 | -a`,
    );
  });

  it('refuses an intermediate tensor that the model does not have before it starts anything', async () => {
    const { path, calls } = await standIn(root, 'exit 0');
    await assert.rejects(
      compile(path, { intermediateTensors: ['MobilenetV1/Logits/AvgPool_1a/AvgPol'] }),
      /^AtollError: cannot cut mobile\.tflite at tensor "[^"]+": no operator makes it; did you mean MobilenetV1\/Logits\/AvgPool_1a\/AvgPool\?$/,
    );
    await assert.rejects(calls(), /ENOENT/);
  });

  it('refuses an option that the installed version does not know', async () => {
    const { path } = await standIn(root, 'exit 0', '15.0.340273435');
    await assert.rejects(
      compile(path, { searchDelegate: true }),
      /cannot ask edgetpu_compiler 15\.0\.340273435 for -d: it came with version 16\.0$/,
    );
  });

  it('collects the segments of a pipeline in order', async () => {
    const parts = [0, 1, 2].map((index) => leave(`${name}_edgetpu.tflite`, `${'$'}{STEM}_segment_${index}_of_3`));
    const { path, calls } = await standIn(
      root,
      `${parts.join('\n')}\n${[0, 1, 2].map((index) => say(success(`mobile_segment_${index}_of_3`))).join('\n')}`,
    );
    const { files, report } = await compile(path, { numSegments: 3 });
    assert.deepEqual(
      [...files.keys()].filter((one) => one.endsWith('.tflite')),
      [0, 1, 2].map((index) => `mobile_segment_${index}_of_3_edgetpu.tflite`),
    );
    assert.deepEqual([report.subgraphs, report.onChipBytes + report.offChipBytes], [3, 3 * 566_912]);
    assert.ok((await calls())[0]?.join(' ').includes(' -n 3 '));
  });

  it('names the segment that is not there', async () => {
    const { path } = await standIn(
      root,
      `${leave(`${name}_edgetpu.tflite`, '${STEM}_segment_0_of_2')}\n${say(success('mobile_segment_0_of_2'))}`,
    );
    await assert.rejects(
      compile(path, { numSegments: 2 }),
      refusedAs('no-output', /left no mobile_segment_1_of_2_edgetpu/),
    );
  });

  it('compiles several models together, in the order in which they were given', async () => {
    const { path, calls } = await standIn(
      root,
      `${leave(`${name}_edgetpu.tflite`, 'mobile')}\n${leave('keras_lstm_mnist_ptq_edgetpu.tflite', 'lstm')}\n${say(
        success('mobile').replace('Model compiled', 'Models compiled'),
      )}\n${say(success('lstm').replace(/^[^]*?(?=Input model)/, ''))}`,
    );
    const both = new Map([
      ['mobile.tflite', model],
      ['lstm.tflite', lstm],
    ]);
    const { report } = await compileForEdgeTpu(both, plainOptions, run(path));
    assert.deepEqual(
      report.models.map((one) => [one.model, one.files, one.onEdgeTpu]),
      [
        ['mobile.tflite', ['mobile_edgetpu.tflite'], 31],
        ['lstm.tflite', ['lstm_edgetpu.tflite'], 6],
      ],
    );
    // These two were compiled apart.
    assert.deepEqual(report.warnings, [
      'the compiled models do not share the memory of the chip: each will push the others out',
    ]);
    assert.deepEqual([report.onEdgeTpu, report.onChipBytes + report.offChipBytes], [37, 566_912 + 44_544]);
    assert.deepEqual(
      (await calls())[0]?.slice(-2).map((one) => one.slice(one.lastIndexOf('/') + 1)),
      ['mobile.tflite', 'lstm.tflite'],
    );
  });

  it('tells operator by operator where compiler and rules disagree', async () => {
    const { path } = await standIn(root, `${leave('split_concat_edgetpu.tflite')}\n${say(success('deeplab'))}`);
    const deeplab = await readFile(join(coral, 'deeplabv3_mnv2_dm05_pascal_quant.tflite'));
    const { report } = await compileForEdgeTpu(new Map([['deeplab.tflite', deeplab]]), plainOptions, run(path));
    assert.equal(report.warnings.length, 6);
    assert.match(
      report.warnings[0] ?? '',
      /^the compiler put RESIZE_BILINEAR ResizeBilinear on the Edge TPU, the rules/,
    );
  });

  const header = 'Edge TPU Compiler version 16.0.384591198';
  const failures: readonly (readonly [name: string, body: () => string, id: string, message: RegExp])[] = [
    [
      'a float model, by version 15',
      () =>
        `${say('Edge TPU Compiler version 15.0.340273435\nInvalid model: mobile.tflite\nModel not quantized')}\nexit 1`,
      'not-quantized',
      /not quantized to full integers.*; quantize it with atoll quantize/,
    ],
    [
      'success with no subgraph',
      () => `${leave(`${name}.tflite`)}\n${say(success('mobile', 0))}`,
      'nothing-mapped',
      /reports success, but maps no operator/,
    ],
    [
      'a crash behind the wrapper script',
      () =>
        `${say(header)}\necho '/usr/bin/edgetpu_compiler: line 3: 77 Segmentation fault (core dumped) x' >&2\nexit 139`,
      'crash',
      /the compiler crashed; leave out --multiple-subgraphs/,
    ],
    ['an end by a signal', () => `${say(header)}\nkill -ABRT $$`, 'crash', /crashed \(SIGABRT\)/],
    ['a version line and nothing else', () => say(header), 'no-result', /printed no result; ask for fewer segments/],
    [
      'an unknown text and a non-zero end',
      () => `${say(`${header}\nthe moon is full`)}\nexit 3`,
      'exit-code',
      /exit code 3, its last line: the moon is full;/,
    ],
    [
      'a non-zero end after words of success',
      () => `${compiled}\n${say(success('mobile'))}\nexit 9`,
      'exit-code',
      /exit code 9/,
    ],
    ['success without a file', () => say(success('mobile')), 'no-output', /left no mobile_edgetpu\.tflite/],
    [
      'a stub of a kilobyte',
      () =>
        `head -c 1024 '${join(coral, `${name}_edgetpu.tflite`)}' >"$OUT/$STEM"_edgetpu.tflite\n${say(success('mobile'))}`,
      'stub-output',
      /mobile_edgetpu\.tflite \(1024 bytes\) holds nothing for the Edge TPU/,
    ],
    [
      'the model itself under the name of the result',
      () => `${leave(`${name}.tflite`)}\n${say(success('mobile'))}`,
      'stub-output',
      /holds nothing for the Edge TPU/,
    ],
  ];
  for (const [what, body, id, message] of failures) {
    it(`gives cause and remedy: ${what}`, async () => {
      const { path } = await standIn(root, body());
      await assert.rejects(compile(path), refusedAs(id, message));
      assert.deepEqual(await leftovers(), []);
    });
  }

  it('warns of a compiled file that the runtime would refuse', async () => {
    const twin = `${name}_edgetpu.tflite`;
    const sound = readModel(await readFile(join(coral, twin)), twin);
    const main = mainSubgraph(sound);
    const tensors = main.tensors.map((tensor) => ({ ...tensor, name: `${tensor.name}/other` }));
    const unsound = join(root, 'unsound.tflite');
    await writeFile(unsound, writeModel({ ...sound, subgraphs: [{ ...main, tensors }] }));
    const { path } = await standIn(root, `cp '${unsound}' "$OUT/mobile_edgetpu.tflite"\n${say(success('mobile'))}`);
    const { report } = await compile(path);
    assert.match(report.warnings.join('\n'), /would refuse mobile_edgetpu\.tflite: input "input\/other" has no layer/);
  });

  it('refuses a result that needs a newer runtime than was asked for', async () => {
    const { path } = await standIn(root, `${compiled}\n${say(success('mobile'))}`);
    await assert.rejects(
      compile(path, { minRuntimeVersion: 11 }),
      refusedAs('newer-runtime', /needs runtime 12, and 11 was/),
    );
  });

  it('tries once more after an internal compiler error, and no more than once', async () => {
    const mark = join(root, 'tried');
    const error = `echo 'Internal compiler error. Aborting! '; exit 1`;
    const once = await standIn(
      root,
      `if [ ! -e '${mark}' ]; then touch '${mark}'; ${error}; fi\n${compiled}\n${say(success('mobile'))}`,
    );
    assert.equal((await compile(once.path)).report.compiled, true);
    const always = await standIn(root, error);
    await assert.rejects(compile(always.path), refusedAs('internal-error', /internal error, twice/));
    assert.equal((await always.calls()).length, 2);
  });

  it('ends a program that hangs, with the children that it started', async () => {
    const pidFile = join(root, 'pid');
    const { path } = await standIn(
      root,
      `sleep 600 &\necho $! >'${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'\nwait`,
    );
    await assert.rejects(
      compile(path, {}, { timeoutMs: 1_500 }),
      (error) =>
        isAtollError(error, 'DEADLINE_EXCEEDED') &&
        error.message.includes('took longer than 1.5 s; use a smaller input') &&
        error.detail['compilerFailure'] === 'too-long',
    );
    const pid = Number(await readFile(pidFile, 'utf8'));
    await eventually(() => assert.throws(() => process.kill(pid, 0), /ESRCH/), 5_000);
    assert.deepEqual(await leftovers(), []);
  });

  it('ends when the job is cancelled', async () => {
    const controller = new AbortController();
    const started = join(root, 'started');
    const { path } = await standIn(root, `touch '${started}'\nsleep 600`);
    const compiling = compile(path, {}, { signal: controller.signal });
    const ended = assert.rejects(compiling, (error) => isAtollError(error, 'CANCELLED'));
    await eventually(() => assert.ok(existsSync(started)), 5_000);
    controller.abort();
    await ended;
  });

  it('refuses a compiled file as input, a name with folders, and two models of one name', async () => {
    const done = await readFile(join(coral, `${name}_edgetpu.tflite`));
    await assert.rejects(
      compileForEdgeTpu(new Map([['m.tflite', done]]), plainOptions, null),
      /compiled for the Edge TPU already$/,
    );
    await assert.rejects(
      compileForEdgeTpu(new Map([['../m.tflite', model]]), plainOptions, null),
      /a file name without folders/,
    );
    const twice = new Map([
      ['m.tflite', model],
      ['m.TFLITE', model],
    ]);
    await assert.rejects(compileForEdgeTpu(twice, plainOptions, null), /two models have the same name$/);
  });

  it('without a compiler makes a plan, and no file under the name of a compiled one', async () => {
    const { files, report } = await compileForEdgeTpu(new Map([['mobile.tflite', model]]), plainOptions, null);
    assert.deepEqual([files.size, report.compiled, report.compiler, report.files], [0, false, null, ['plan.json']]);
    assert.ok(report.models.every((one) => one.files.length === 0));
    assert.doesNotMatch(JSON.stringify(report), /_edgetpu\.tflite/);
    assert.match(report.warnings[0] ?? '', /not compiled/);
  });

  it('finds the compiler by name or on the search path, and never replaces a named one', async () => {
    assert.equal(await findCompiler({ named: null, searchPath: root }), null);
    await assert.rejects(
      findCompiler({ named: join(root, 'none'), searchPath: '' }),
      (error) => isAtollError(error, 'FAILED_PRECONDITION') && error.message.endsWith('not there or not executable'),
    );
    const { path } = await standIn(root, 'exit 0');
    assert.equal(await findCompiler({ named: path, searchPath: '' }), path);
    // The compiler is started in another folder.
    assert.equal(await findCompiler({ named: relative('.', path), searchPath: '' }), path);
    await writeFile(join(root, 'edgetpu_compiler'), '#!/bin/sh\n');
    await chmod(join(root, 'edgetpu_compiler'), 0o755);
    const found = join(root, 'edgetpu_compiler');
    assert.equal(await findCompiler({ named: null, searchPath: `/nowhere:${root}` }), found);
    assert.equal(await findCompiler({ named: null, searchPath: relative('.', root) }), found);
  });
});
