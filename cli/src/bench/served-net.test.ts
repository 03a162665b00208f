import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fourConvolutions, type LayersModel, mobileNetV2 } from './served-net.js';

interface Manifest {
  readonly weightsManifest: readonly { readonly weights: readonly { readonly shape: readonly number[] }[] }[];
}

function parametersOf({ json }: LayersModel): number {
  const { weightsManifest } = JSON.parse(json) as Manifest;
  const sizes = weightsManifest[0]?.weights.map(({ shape }) => shape.reduce((a, b) => a * b, 1)) ?? [];
  return sizes.reduce((a, b) => a + b, 0);
}

describe('the nets that are served', () => {
  test('fourConvolutions has the parameters of its layers and a weight for each', () => {
    const net = fourConvolutions(1);
    const convolutions = 448 + 4_640 + 18_496 + 73_856;
    assert.equal(parametersOf(net), convolutions + (7 * 7 * 128 + 1) * 256 + 257 * 6);
    assert.equal(net.weights.byteLength, parametersOf(net) * 4);
  });

  test('mobileNetV2 has those of MobileNetV2 1.0 without its batch norms and with 6 classes', () => {
    // Keras: 3,504,872 with 1,000 classes; less 34,112 of batch norms, plus 17,056 biases in their place.
    const net = mobileNetV2(1);
    assert.equal(parametersOf(net), 3_504_872 - 1_281_000 + 1_281 * 6 - 34_112 + 17_056);
    assert.equal(net.weights.byteLength, parametersOf(net) * 4);
  });

  test('are the same at every call with one seed, and others with another', () => {
    assert.deepEqual(fourConvolutions(1), fourConvolutions(1));
    assert.notDeepEqual(fourConvolutions(2).weights, fourConvolutions(1).weights);
  });
});
