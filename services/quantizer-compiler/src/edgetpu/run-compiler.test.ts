import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { compileForEdgeTpu } from './compile-for-edge-tpu.js';
import { findCompiler } from './find-compiler.js';
import type { CompilerRun } from './run-compiler.js';

const coral = join(import.meta.dirname, '../../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';
const name = 'mobilenet_v1_0.25_128_quant';

const success = (subgraphs = 1): string => `Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 33 ms.

Input model: model.tflite
Input size: 513.28KiB
Output model: model_edgetpu.tflite
Output size: 782.67KiB
On-chip memory used for caching model parameters: 553.62KiB
On-chip memory remaining for caching model parameters: 6.99MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: ${subgraphs}
Total number of operations: 31
Operation log: model_edgetpu.log
Compilation succeeded! 
`;
const table = `Edge TPU Compiler version 16.0.384591198
Input: model.tflite
Output: model_edgetpu.tflite

Operator                       Count      Status

CONV_2D                        15         Mapped to Edge TPU
DEPTHWISE_CONV_2D              13         Mapped to Edge TPU
`;

/** Programs that behave as the compiler does; $OUT is the folder after -o. */
describe('compileForEdgeTpu with a program in the place of the compiler', { skip }, () => {
  let root = '';
  let model: Uint8Array = new Uint8Array();

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-edgetpu-'));
    model = await readFile(join(coral, `${name}.tflite`));
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function program(body: string): Promise<string> {
    const path = join(root, `compiler-${Math.random().toString(36).slice(2)}`);
    await writeFile(path, `#!/bin/sh\nwhile [ "$1" != "-o" ]; do shift; done\nOUT=$2\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  }

  const run = (path: string, more: Partial<CompilerRun> = {}): CompilerRun => ({
    program: path,
    workFolder: root,
    minRuntimeVersion: 0,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    ...more,
  });
  const say = (text: string): string => `cat <<'END'\n${text}\nEND`;
  const leave = (file: string): string =>
    `cp '${join(coral, file)}' "$OUT/model_edgetpu.tflite"\n${say(table).replace('cat', 'cat >"$OUT/model_edgetpu.log"')}`;
  const leftovers = async (): Promise<string[]> => (await readdir(root)).filter((one) => one.startsWith('edgetpu-'));
  const refusedWith = (message: RegExp) => (error: unknown) =>
    isAtollError(error, 'FAILED_PRECONDITION') && message.test(error.message) && !error.message.includes('\n');

  it('gives the compiled file, its log and figures read from the file', async () => {
    const path = await program(`${leave(`${name}_edgetpu.tflite`)}\n${say(success())}`);
    const { files, report } = await compileForEdgeTpu(model, 'mobile.tflite', run(path));
    assert.deepEqual([...files.keys()], ['mobile_edgetpu.tflite', 'mobile_edgetpu.log']);
    assert.deepEqual(
      [report.compiled, report.compiler, report.onEdgeTpu, report.onCpu],
      [true, '16.0.384591198', 31, 0],
    );
    assert.equal(report.onChipBytes + report.offChipBytes, 566_912);
    assert.equal(report.ops.length, 2);
    assert.deepEqual(report.warnings, []);
    assert.deepEqual(await leftovers(), []);
  });

  it('does not believe in success when the file holds nothing compiled', async () => {
    const path = await program(`${leave(`${name}.tflite`)}\n${say(success(0))}`);
    await assert.rejects(
      compileForEdgeTpu(model, 'm.tflite', run(path)),
      refusedWith(/its file holds nothing for the Edge TPU$/),
    );
  });

  it('carries the reason of a failure', async () => {
    const path = await program(
      `${say('Edge TPU Compiler version 15.0.340273435\nInvalid model: model.tflite\nModel not quantized')}\nexit 1`,
    );
    await assert.rejects(compileForEdgeTpu(model, 'm.tflite', run(path)), refusedWith(/: Model not quantized$/));
  });

  it('tries once more after an internal compiler error', async () => {
    const mark = join(root, 'tried');
    const path = await program(
      `if [ ! -e '${mark}' ]; then touch '${mark}'; echo 'Internal compiler error. Aborting! '; exit 1; fi\n${leave(`${name}_edgetpu.tflite`)}\n${say(success())}`,
    );
    assert.equal((await compileForEdgeTpu(model, 'm.tflite', run(path))).report.compiled, true);
  });

  it('ends a program that hangs, with the children that it started', async () => {
    const pidFile = join(root, 'pid');
    const path = await program(`sleep 600 &\necho $! >'${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'\nwait`);
    await assert.rejects(
      compileForEdgeTpu(model, 'm.tflite', run(path, { timeoutMs: 1_500 })),
      (error) => isAtollError(error, 'DEADLINE_EXCEEDED') && error.message.endsWith('took longer than 1.5 s'),
    );
    const pid = Number(await readFile(pidFile, 'utf8'));
    await eventually(() => assert.throws(() => process.kill(pid, 0), /ESRCH/), 5_000);
    assert.deepEqual(await leftovers(), []);
  });

  it('ends when the job is cancelled', async () => {
    const controller = new AbortController();
    const started = join(root, 'started');
    const path = await program(`touch '${started}'\nsleep 600`);
    const compiling = compileForEdgeTpu(model, 'm.tflite', run(path, { signal: controller.signal }));
    const ended = assert.rejects(compiling, (error) => isAtollError(error, 'CANCELLED'));
    await eventually(() => assert.ok(existsSync(started)), 5_000);
    controller.abort();
    await ended;
  });

  it('refuses a compiled file as input', async () => {
    const compiled = await readFile(join(coral, `${name}_edgetpu.tflite`));
    await assert.rejects(compileForEdgeTpu(compiled, 'm.tflite', null), /compiled for the Edge TPU already$/);
  });

  it('finds the compiler by name or on the search path, and never replaces a named one', async () => {
    assert.equal(await findCompiler({ named: null, searchPath: root }), null);
    await assert.rejects(
      findCompiler({ named: join(root, 'none'), searchPath: '' }),
      refusedWith(/not there or not executable$/),
    );
    const path = await program('exit 0');
    assert.equal(await findCompiler({ named: path, searchPath: '' }), path);
    await writeFile(join(root, 'edgetpu_compiler'), '#!/bin/sh\n');
    await chmod(join(root, 'edgetpu_compiler'), 0o755);
    assert.equal(await findCompiler({ named: null, searchPath: `/nowhere:${root}` }), join(root, 'edgetpu_compiler'));
  });
});
