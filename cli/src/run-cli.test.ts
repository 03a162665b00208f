import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from './machine.js';
import { runCli } from './run-cli.js';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function say(args: readonly string[], change: Partial<Machine> = {}): Promise<Said> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    env: {},
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    columns: undefined,
    signal: new AbortController().signal,
    ...change,
  });
  return { code, out, err };
}

test('runCli gives 0 for --version and for --help on every level, each with an example', async () => {
  assert.deepEqual(await say(['--version']), { code: 0, out: '0.1.0\n', err: '' });
  const verbs = ['train', 'predict', 'convert', 'quantize', 'compile', 'inspect', 'serve', 'up', 'publish', 'releases'];
  const orders = ['start', 'get', 'pause', 'resume', 'promote', 'abort', 'retry', 'undo', 'explain', 'nodes'];
  const more = ['nodes', 'events', 'infer', 'rollout', ...orders.map((order) => `rollout ${order}`)];
  for (const verb of ['', ...verbs, ...more]) {
    const { code, out } = await say([...verb.split(' ').filter((word) => word !== ''), '--help']);
    assert.equal(code, 0, verb);
    assert.match(out, new RegExp(`Example:\n  atoll ${verb}`), verb);
  }
});

test('runCli knows every verb after a flag too, and lists them all in its help', async () => {
  const { out } = await say(['--help']);
  for (const verb of ['train', 'bench', 'serve', 'up', 'publish', 'infer']) {
    assert.match(out, new RegExp(`^  ${verb}\\b`, 'm'), verb);
    const { code, out: help } = await say(['--quiet', verb, '--help']);
    assert.equal(code, 0, verb);
    assert.match(help, new RegExp(`Usage: atoll ${verb}`), verb);
  }
});

test('runCli gives 2 and one line for wrong usage, with the nearest right word', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['tran'], /^atoll: unknown command 'tran' \(Did you mean train\?\)\n$/],
    [
      ['train', '--data', 'd', '--out', 'o', '--epoch', '3'],
      /^atoll: unknown option '--epoch' \(Did you mean --epochs\?\)\n$/,
    ],
    [
      ['train', '--data', 'd', '--out', 'o', '--epochs', 'x'],
      /^atoll: .*It must be a whole number from 1 to 10000\.\n$/,
    ],
    [['train', '--data', 'd', '--out', 'o', '--engine', 'tensorflow'], /Allowed choices are auto, tfjs-node, wasm/],
    [['convert', 'model.h5'], /^atoll: required option '--out <file>' not specified\n$/],
    [['convert', '--out', 'x'], /missing required argument 'model'/],
    [
      ['rollout', 'start', '--model', 'm', '--version', '1', '--waves', 'x%'],
      /x% is neither a share like 10% nor a count/,
    ],
    [['rollout', 'halt', 'x'], /unknown command 'halt'/],
    [['serve'], /^atoll: required option '--model <name=file...>' or '--repository <dir>' not specified\n$/],
    [['serve', '--model', 'a=1.tflite', '--model', 'a=2.tflite'], /There are two models named a\./],
    [['quantize', 'm.h5', '--out', 'x'], /^atoll: required option '--data <dir>' not specified: full-integer is/],
    [
      ['quantize', 'm.h5', '--out', 'x', '--mode', 'float16', '--ranges', 'mse'],
      /^atoll: option '--ranges <method>' is for full-integer/,
    ],
    [
      ['quantize', 'm.h5', '--out', 'x', '--mode', 'dynamic-range', '--output-type', 'int8'],
      /^atoll: option '--output-type <type>' argument 'int8' is invalid: in mode dynamic-range it is float32/,
    ],
    [
      ['quantize', 'm.h5', '--out', 'x', '--mode', 'float8'],
      /Allowed choices are full-integer, dynamic-range, float16/,
    ],
    [['quantize', 'm.h5', '--out', 'x', '--samples', '10001'], /It must be a whole number from 1 to 10000/],
    [
      ['compile', 'm.tflite', '--out', 'x', '--compiler', 'c', '--server', 'unix:s'],
      /^atoll: --compiler is for the service/,
    ],
    [['train', '--data', 'd', '--out', 'o', '--seed', '0'], /It must be a whole number from 1 to 2147483647/],
  ];
  for (const [args, expected] of cases) {
    const { code, out, err } = await say(args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, expected, args.join(' '));
    assert.equal(err.trim().split('\n').length, 1, err);
  }
});

test('runCli gives 1 and one line for a failure, and with --json exactly one document besides', async () => {
  const plain = await say(['convert', '/nowhere/model.h5', '--out', 'x.tflite']);
  const line = 'atoll: cannot read /nowhere/model.h5: there is no such file or folder\n';
  assert.deepEqual(plain, { code: 1, out: '', err: line });
  const json = await say(['convert', '/nowhere/model.h5', '--out', 'x.tflite', '--json']);
  assert.deepEqual([json.code, json.err], [1, line]);
  assert.deepEqual(JSON.parse(json.out), { error: { code: 'NOT_FOUND', message: line.slice('atoll: '.length, -1) } });
});

test('runCli says how to start a fleet when there is none', async () => {
  const { code, err } = await say(['nodes', '--data-dir', '/nowhere']);
  assert.equal(code, 1);
  assert.match(err, /^atoll: cannot find a fleet: none runs by \/nowhere\/atoll\.json; start one with `atoll up`/);
});

test('runCli gives 130 once it was interrupted', async () => {
  const { code } = await say(['nodes', '--server', '127.0.0.1:1'], { signal: AbortSignal.abort() });
  assert.equal(code, 130);
});
