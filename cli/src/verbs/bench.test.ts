import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from '../run-cli.js';

async function run(args: readonly string[]) {
  const said = { code: -1, out: '', err: '' };
  said.code = await runCli(args, {
    env: { HOME: tmpdir() },
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    columns: undefined,
    signal: AbortSignal.timeout(30_000),
  });
  return said;
}

describe('atoll bench', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-bench-test-'));
    await mkdir(join(folder, 'small'));
    await writeFile(join(folder, 'small', 'net.json'), '{"parameters": 12, "accuracy": 0.5}');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const refused: readonly [args: string[], code: number, message: RegExp][] = [
    [['quantise'], 2, /^atoll: unknown command 'quantise' \(Did you mean quantize\?\)\n$/],
    [['fly'], 2, /^atoll: unknown command 'fly'\n$/],
    [
      ['quantize', '--only', 'mobilnet-v1'],
      1,
      /^atoll: cannot bench net "mobilnet-v1" .*: did you mean mobilenet-v1\?\n$/,
    ],
    [['quantize', '--ranges', 'auto,max'], 2, /max is none of auto, minmax/],
    [['invoke', '--only', 'cnn'], 2, /cnn is none of cnn150, mobilenet-v2-224/],
    [['invoke', '--backends', 'native-litert,webgpu'], 2, /webgpu is none of native-litert, native-tflite, wasm/],
    [['serve', '--only', 'atoll,torchserve'], 2, /torchserve is none of atoll, atoll-1, triton, kserve, mlserver/],
    [['serve', '--seconds', '0'], 2, /It must be a number from 0\.3 to 600/],
    [['swap', '--every-seconds', '0'], 2, /It must be a number from 0\.1 to 60/],
    [['quantize', '--runs', '0'], 2, /It must be a whole number from 1 to 100/],
  ];
  for (const [args, code, message] of refused) {
    test(`refuses ${args.join(' ')}`, async () => {
      const said = await run(['bench', ...args]);
      assert.deepEqual([said.code, said.out], [code, '']);
      assert.match(said.err, message);
    });
  }

  test('measures only nets that lie in --nets', async () => {
    const said = await run(['bench', 'quantize', '--nets', folder, '--only', 'smal']);
    assert.equal(said.code, 1);
    assert.match(said.err, /^atoll: cannot bench net "smal" of .*: did you mean small\?\n$/);
  });

  test('a conversion that fails ends it with the reason in one line', async () => {
    const said = await run(['bench', 'quantize', '--nets', folder, '--keep-peers', '--quiet']);
    assert.equal(said.code, 1);
    assert.match(said.err, /^atoll: cannot run .*: exit code 1: .*small.*\n$/);
  });
});
