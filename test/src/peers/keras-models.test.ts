import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import type { PeerPython } from '@atoll/cli/bench/peer-python';
import { openModel } from '@atoll/runtime/open';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { startAtoll } from '../support/cli.js';
import { repositoryRoot } from '../support/repository.js';
import { keras3Python, kerasPython } from './keras-venv.js';

const runFile = promisify(execFile);
const script = join(repositoryRoot, 'test/src/peers/keras-models.py');

/** What keras-models.py says of a file: names of its inputs, and for each output which case it is and how many values it has. */
interface Saved {
  readonly file: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly (readonly [name: string, count: number])[];
}

interface Peer {
  readonly name: string;
  readonly version: RegExp;
  readonly python: PeerPython;
  /** Least number of small models in one: a generator that makes nothing would compare nothing. */
  readonly least: number;
}

const peers: readonly Peer[] = [
  { name: 'Keras 2.15', version: /^2\.15\./, python: await kerasPython(process.env), least: 100 },
  { name: 'Keras 3', version: /^3\./, python: await keras3Python(process.env), least: 100 },
];
const everyNet = process.env['ATOLL_PEERS'] === 'all';

for (const { name, version, python: found, least } of peers) {
  describe(`Models of ${name} as .h5 and .keras`, { skip: 'skip' in found ? found.skip : false }, () => {
    const python = 'python' in found ? found.python : '';
    let root = '';
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'atoll-keras-models-'));
    });
    after(() => rm(root, { recursive: true, force: true }));

    async function made(group: string): Promise<readonly Saved[]> {
      const { stdout } = await runFile(python, [script, root, group], { maxBuffer: 2 ** 24 });
      const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { version: string; files: readonly Saved[] };
      assert.match(said.version, version);
      return said.files;
    }

    test('every layer and topology gives what Keras gives, within 1e-4', async () => {
      const files = await made('everything');
      assert.deepEqual(
        files.map(({ file }) => file),
        ['everything.h5', 'everything.keras'],
      );
      for (const saved of files) {
        assert.ok(saved.outputs.length >= least, `${saved.outputs.length} outputs`);
        assert.deepEqual(await differences(root, saved), []);
      }
    });

    const why = 'ATOLL_PEERS=all compares ten networks too: some minutes';
    test('ten networks give what Keras gives, within 1e-4', { skip: everyNet ? false : why }, async () => {
      const files = await made('networks');
      assert.equal(files.length, 20);
      for (const saved of files) assert.deepEqual(await differences(root, saved), []);
    });
  });
}

/** Converts a model, runs it, and names the outputs that are not what Keras gave. */
async function differences(root: string, { file, inputs, outputs }: Saved): Promise<readonly string[]> {
  const path = join(root, file);
  const converted = `${path}.tflite`;
  const { code, err } = await startAtoll(['convert', path, '--out', converted, '--fresh']).ended;
  assert.equal(code, 0, err);
  const bytes = new Uint8Array(await readFile(converted));
  const main = mainSubgraph(readModel(bytes));
  const given = await floats(`${path}.inputs`);
  const expected = await floats(`${path}.outputs`);
  const model = await openModel(bytes, { backend: 'auto', libraries: cachePaths(process.env) });
  try {
    const sizes = new Map(model.inputs.map((spec) => [spec.name, spec.shape.reduce((a, b) => a * b, 1)]));
    const parts = new Map<string, Uint8Array>();
    let at = 0;
    for (const name of inputs) {
      // A sequential model has no name for its input.
      const size = sizes.get(name) ?? given.length;
      parts.set(name, new Uint8Array(given.slice(at, at + size).buffer));
      at += size;
    }
    assert.equal(at, given.length);
    const results = await model.run(
      model.inputs.map(({ name }) => parts.get(name) ?? new Uint8Array(given.slice().buffer)),
    );
    const byName = new Map(model.outputs.map((spec, index) => [spec.name, results[index] ?? new Uint8Array()]));
    let from = 0;
    return outputs.flatMap(([name, count], index) => {
      const actual = new Float32Array(
        (byName.get(main.tensors[main.outputs[index] ?? -1]?.name ?? '') ?? new Uint8Array()).slice().buffer,
      );
      const wanted = expected.subarray(from, from + count);
      from += count;
      if (actual.length !== count) return [`${name}: ${actual.length} values, not ${count}`];
      const peak = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      const off = actual.reduce((most, value, one) => Math.max(most, Math.abs(value - (wanted[one] ?? NaN))), 0);
      return off <= 1e-4 * peak ? [] : [`${name}: off by ${off} of ${peak}`];
    });
  } finally {
    await model.close();
  }
}

async function floats(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(new Uint8Array(bytes).buffer);
}
