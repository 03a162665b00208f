import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { repositoryRoot } from '../support/repository.js';
import type { ServingNode } from './serving-node.js';
import { startServingNode } from './serving-node.js';
import { tritonClientPython } from './serving-venv.js';

const runFile = promisify(execFile);

interface Scores {
  readonly scores: readonly (readonly number[])[];
  readonly version: string;
}
interface Refusal {
  readonly status: string;
  readonly message: string;
}
interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: string;
}
type Index = readonly IndexEntry[] | { readonly models: readonly IndexEntry[] };
interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly (number | string)[];
}
interface Config {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly input: readonly { readonly data_type: string; readonly dims: readonly (number | string)[] }[];
}
interface Duration {
  readonly count?: number | string;
  readonly ns?: number | string;
}

/** What triton-client.py prints; numbers are texts where protobuf's JSON makes them so. */
interface Seen {
  readonly live: boolean;
  readonly ready: boolean;
  readonly modelReady: readonly boolean[];
  readonly server: { readonly name: string; readonly extensions: readonly string[] };
  readonly metadata: {
    readonly platform: string;
    readonly versions: readonly string[];
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
  };
  readonly config: Config | { readonly config: Config };
  readonly index: Index;
  readonly infer: Scores;
  readonly named: Scores;
  readonly async: Scores;
  readonly classes: readonly string[];
  readonly shared: unknown;
  readonly stream?: readonly (Scores | string)[];
  readonly typed?: Scores;
  readonly errors: Readonly<Record<string, Refusal | null>>;
  readonly statistics: {
    readonly model_stats: readonly {
      readonly inference_count: number | string;
      readonly inference_stats: Readonly<Record<'success' | 'compute_infer' | 'queue', Duration>>;
    }[];
  };
  readonly unloaded: readonly [boolean, Index];
  readonly loaded: boolean;
}

const found = await tritonClientPython(process.env);

/** Errors by what was wrong: gRPC's word, HTTP's number, the text. */
const refusals: readonly (readonly [string, string, string, RegExp])[] = [
  ['name', 'INVALID_ARGUMENT', '400', /^cannot infer: the model has no input img, it takes image$/],
  ['model', 'NOT_FOUND', '404', /^cannot find model other: this node serves tiny v2$/],
  ['version', 'NOT_FOUND', '404', /^cannot find tiny v9: this node serves tiny v2$/],
  ['datatype', 'INVALID_ARGUMENT', '400', /^cannot infer: input image is UINT8, not FP32$/],
  ['shape', 'INVALID_ARGUMENT', '400', /^cannot infer: input image has shape \[1, 16, 16, 3\], not \[1, 4, 16, 3\]$/],
  ['output', 'INVALID_ARGUMENT', '400', /^cannot infer: the model has no output boxes, it gives scores$/],
  ['load', 'NOT_FOUND', '404', /^cannot load model other: /],
  ['register', 'UNIMPLEMENTED', '501', /^cannot register shared memory region r: /],
  ['statistics', 'NOT_FOUND', '404', /^cannot find model other: /],
];

describe("Triton's client for Python against a node", { skip: 'skip' in found && found.skip }, () => {
  let node: ServingNode;
  before(async () => {
    node = await startServingNode();
  });
  after(() => node.stop());

  const ask = async (protocol: 'grpc' | 'http'): Promise<Seen> => {
    const python = 'python' in found ? found.python : '';
    const script = join(repositoryRoot, 'test/src/peers/triton-client.py');
    const args = [script, protocol, node[protocol], node.inputPath];
    const { stdout } = await runFile(python, args, { timeout: 120_000, maxBuffer: 10_000_000 });
    return JSON.parse(stdout) as Seen;
  };
  const models = (index: Index): readonly string[] =>
    ('models' in index ? index.models : index).map(({ name, version, state }) => `${name} ${version} ${state}`);

  for (const protocol of ['grpc', 'http'] as const) {
    test(`over ${protocol}: metadata, configuration, inference, statistics, repository and errors`, async () => {
      const seen = await ask(protocol);
      const right = { scores: [node.expected], version: '2' };
      assert.deepEqual([seen.live, seen.ready, seen.modelReady], [true, true, [true, true, false]]);
      assert.equal(seen.server.name, 'atoll');
      for (const extension of ['model_repository', 'statistics', 'model_configuration', 'binary_tensor_data'])
        assert.ok(seen.server.extensions.includes(extension), extension);
      assert.deepEqual([seen.metadata.platform, seen.metadata.versions], ['tensorflow_lite', ['2']]);
      assert.deepEqual(
        [...seen.metadata.inputs, ...seen.metadata.outputs].map(({ name, datatype, shape }) => [
          name,
          datatype,
          shape.map(Number),
        ]),
        [
          ['image', 'UINT8', [1, 16, 16, 3]],
          ['scores', 'UINT8', [1, 6]],
        ],
      );
      const config = 'config' in seen.config ? seen.config.config : seen.config;
      assert.deepEqual([config.name, config.platform, config.backend], ['tiny', 'tensorflow_lite', 'atoll']);
      assert.deepEqual([config.input[0]?.data_type, config.input[0]?.dims.map(Number)], ['TYPE_UINT8', [1, 16, 16, 3]]);
      assert.deepEqual(models(seen.index), ['tiny 1 UNAVAILABLE', 'tiny 2 READY']);
      assert.deepEqual([seen.infer, seen.named, seen.async], [right, right, right]);

      const best = node.expected
        .map((score, index) => ({ score, index }))
        .toSorted((a, b) => b.score - a.score || a.index - b.index);
      assert.deepEqual(
        seen.classes,
        best.slice(0, 2).map(({ score, index }) => `${score}:${index}:${node.classes[index]}`),
      );

      for (const [what, code, status, message] of refusals) {
        const refusal = seen.errors[what];
        assert.match(refusal?.message ?? '', message, what);
        assert.equal(refusal?.status, protocol === 'grpc' ? `StatusCode.${code}` : status, what);
      }
      assert.deepEqual(seen.shared, protocol === 'grpc' ? [{}, {}] : [[], []]);
      const [statistics] = seen.statistics.model_stats;
      assert.ok(Number(statistics?.inference_count) >= 3);
      assert.equal(Number(statistics?.inference_stats.success.count), Number(statistics?.inference_count));
      assert.ok(Number(statistics?.inference_stats.compute_infer.ns) > 0);
      assert.equal(seen.unloaded[0], false);
      assert.ok(models(seen.unloaded[1]).includes('tiny 2 UNAVAILABLE'));
      assert.equal(seen.loaded, true);

      if (protocol === 'grpc') {
        assert.deepEqual(seen.stream, [right, 'cannot find model other: this node serves tiny v2', right]);
      } else {
        assert.deepEqual(seen.typed, right);
      }
    });
  }
});
