import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../run-cli.js';

const coral = join(import.meta.dirname, '../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';
const model = join(coral, 'keras_lstm_mnist_ptq.tflite');

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'atoll-compile-'));
});
after(() => rm(root, { recursive: true, force: true }));

/** `searchPath` is where the stand-in finds its tools, and where a compiler would be looked for. */
async function say(searchPath: string, ...args: readonly string[]) {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    // Results are kept in the cache: one of the test's own.
    env: { PATH: searchPath, ATOLL_CACHE: join(root, 'cache') },
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    columns: undefined,
    signal: AbortSignal.timeout(60_000),
  });
  return { code, out, err };
}

describe('atoll compile', { skip }, () => {
  it('hands every option to the compiler and leaves its file, log and report', async () => {
    const compiler = join(root, 'edgetpu_compiler');
    const calls = join(root, 'calls');
    await writeFile(
      compiler,
      `#!/bin/sh
if [ "$1" = -v ]; then echo 'Edge TPU Compiler version 16.0.384591198'; exit 0; fi
printf '%s ' "$@" >'${calls}'
cp '${join(coral, 'keras_lstm_mnist_ptq_edgetpu.tflite')}' "$3/keras_lstm_mnist_ptq_edgetpu.tflite"
echo 'Model compiled successfully in 9 ms.'
`,
    );
    await chmod(compiler, 0o755);
    const out = join(root, 'compiled');
    const options =
      '--min-runtime 13 --intermediate-tensors sequential/flatten/Reshape --search-delegate --delegate-search-step 7 ' +
      '--timeout 30 --multiple-subgraphs --json --quiet';
    const said = await say(
      '/usr/bin:/bin',
      'compile',
      model,
      '--out',
      out,
      '--compiler',
      compiler,
      ...options.split(' '),
    );
    assert.equal(said.code, 0, said.err);
    assert.match(
      await readFile(calls, 'utf8'),
      / -m 13 -i sequential\/flatten\/Reshape -d -k 7 -t 30 -a [^ ]*\/keras_lstm_mnist_ptq\.tflite $/,
    );
    assert.deepEqual((await readdir(out)).toSorted(), ['keras_lstm_mnist_ptq_edgetpu.tflite', 'plan.json']);
    const report = JSON.parse(said.out) as Record<string, unknown>;
    assert.deepEqual(
      [report['compiled'], report['compiler'], report['onEdgeTpu'], report['onCpu'], report['subgraphs']],
      [true, '16.0.384591198', 6, 0, 1],
    );
    assert.deepEqual([report['onChipBytes'], report['offChipBytes']], [43_968, 576]);
  });

  it('tells in one line what a compiler that fails said, and leaves nothing', async () => {
    const compiler = join(root, 'failing');
    await writeFile(compiler, `#!/bin/sh\necho 'Invalid model: m.tflite'; echo 'Model not quantized'; exit 1\n`);
    await chmod(compiler, 0o755);
    const { code, err } = await say(
      '/usr/bin:/bin',
      'compile',
      model,
      '--out',
      join(root, 'none'),
      '--compiler',
      compiler,
      '--quiet',
    );
    assert.equal(code, 1);
    assert.match(
      err,
      /^atoll: cannot compile keras_lstm_mnist_ptq\.tflite for the Edge TPU: [^\n]*not quantized[^\n]*\n$/,
    );
    assert.ok(!existsSync(join(root, 'none')));
  });

  it('without a compiler leaves a plan and no file with the name of a compiled one', async () => {
    const out = join(root, 'plan');
    const { code, out: text } = await say(join(root, 'nowhere'), 'compile', model, '--out', out, '--quiet');
    assert.equal(code, 0);
    assert.deepEqual(await readdir(out), ['plan.json']);
    assert.match(text, /^A plan, not a compiled file, is in /);
    assert.match(
      text,
      /\n6 ops on the Edge TPU, 0 on the CPU; parameters: 16,768 bytes on the chip, 0 off it, estimated: between /,
    );
  });

  it('refuses wrong options before anything starts', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--min-runtime', '15'], /whole number from 10 to 14/],
      [['--segments', '0'], /whole number from 1 to 64/],
      [['--timeout', '0'], /whole number from 1 to 86400/],
      [['--segments', '2', '--intermediate-tensors', 'a'], /the compiler takes one or the other/],
      [['--delegate-search-step', '3'], /it needs the search/],
      [['--intermediate-tensors', 'a,,b'], /words between commas/],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await say('/usr/bin:/bin', 'compile', model, '--out', join(root, 'wrong'), ...args);
      assert.deepEqual([code, out], [2, ''], err);
      assert.match(err, message);
      assert.match(err, /^atoll: [^\n]+\n$/);
    }
  });
});
