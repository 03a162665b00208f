import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { writeModel } from '@atoll/tflite/write';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { writeTfLite } from '../write/write-tflite.js';
import { dropIdentities } from './drop-identities.js';
import { separateOutputs } from './separate-outputs.js';

/** Gives its input, relu of it, and relu of it again. */
function givingTwice() {
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, 3]);
  const y = builder.activation('y', [1, 3]);
  builder.op('RELU', [x], [y], null);
  return builder.build('twice', [x], [x, y, y]);
}

describe('separateOutputs', () => {
  it('makes every output a tensor of its own, which a runtime fills', async () => {
    const graph = verify(separateOutputs(givingTwice()), 'separate-outputs');
    assert.equal(new Set([...graph.inputs, ...graph.outputs]).size, 4);
    const model = await openModel(writeModel(writeTfLite(graph)), {
      backend: 'auto',
      libraries: cachePaths(process.env),
    });
    try {
      const outputs = await model.run([new Uint8Array(Float32Array.of(-1, 2, 3).buffer)]);
      const reals = outputs.map((bytes) => [...new Float32Array(bytes.slice().buffer)]);
      assert.deepEqual(reals, [
        [-1, 2, 3],
        [0, 2, 3],
        [0, 2, 3],
      ]);
    } finally {
      await model.close();
    }
  });

  it('has nothing to do a second time, nor do the passes that drop what changes nothing', () => {
    const graph = separateOutputs(givingTwice());
    assert.equal(separateOutputs(graph), graph);
    assert.equal(dropIdentities(graph), graph);
  });
});
