import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { repositoryRoot } from '../support/repository.js';
import type { ServingNode } from './serving-node.js';
import { startServingNode } from './serving-node.js';
import { kservePython } from './serving-venv.js';

const runFile = promisify(execFile);

/** What kserve-client.py prints for each protocol. */
interface Seen {
  readonly live: boolean;
  readonly ready: boolean;
  readonly modelReady: boolean;
  readonly raw: unknown;
  readonly typed: unknown;
  readonly refusal: string | null;
}

const found = await kservePython(process.env);

describe("KServe's clients against a node", { skip: 'skip' in found && found.skip }, () => {
  let node: ServingNode;
  before(async () => {
    node = await startServingNode();
  });
  after(() => node.stop());

  test('InferenceGRPCClient and InferenceRESTClient read health, infer with raw and typed tensors, and tell the error', async () => {
    const python = 'python' in found ? found.python : '';
    const script = join(repositoryRoot, 'test/src/peers/kserve-client.py');
    const { stdout } = await runFile(python, [script, node.grpc, node.http, node.inputPath], { timeout: 120_000 });
    const seen = JSON.parse(stdout) as Readonly<Record<'grpc' | 'http', Seen>>;
    for (const protocol of ['grpc', 'http'] as const) {
      // Over REST the client drops the version that the answer names.
      const right = { scores: [node.expected], version: protocol === 'grpc' ? '2' : null };
      const { refusal, ...others } = seen[protocol];
      assert.deepEqual(others, { live: true, ready: true, modelReady: true, raw: right, typed: right }, protocol);
      assert.match(refusal ?? '', /cannot find model other: this node serves tiny v2/, protocol);
    }
  });
});
