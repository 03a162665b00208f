import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inspectModel } from './inspect.js';

const coral = join(import.meta.dirname, '../../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';

describe('inspectModel', { skip }, () => {
  const inspect = (name: string) => inspectModel(readFileSync(join(coral, `${name}.tflite`)), name);

  // Trainable parameters of Keras' models with one bias a channel in the place of a normalization's two, and 1,001 classes.
  const kinds = [
    ['mobilenet_v1_0.25_128_quant', 'uint8', 467_593],
    ['tf2_mobilenet_v2_1.0_224_ptq', 'int8', 3_489_097],
    ['keras_lstm_mnist_ptq', 'int8', 9_530],
    ['mobilenet_v1_0.25_128_quant_edgetpu', 'edgetpu', 0],
  ] as const;
  for (const [name, kind, parameters] of kinds) {
    it(`${name} is ${kind}`, () => {
      const { report } = inspect(name);
      assert.equal(report.kind, kind);
      assert.equal(report.parameters, parameters);
    });
  }

  it('gives labels, input and operators of a labelled model', () => {
    const { report, graph } = inspect('mobilenet_v1_0.25_128_quant');
    assert.equal(report.labels?.length, 1001);
    assert.deepEqual(report.inputs[0]?.shape, [1, 128, 128, 3]);
    assert.deepEqual(report.ops.find(({ op }) => op === 'DEPTHWISE_CONV_2D')?.count, 13);
    assert.match(graph, /= SOFTMAX v\d/);
  });

  it('tells what a compiled file holds', () => {
    const { report, graph } = inspect('mobilenet_v1_0.25_128_quant_edgetpu');
    assert.match(graph, /^edge tpu: 1 compiled part, runtime 12 or newer, 566,912 bytes of parameters on the chip/m);
    assert.equal(report.edgeTpu?.minRuntimeVersion, 12);
    assert.equal(report.edgeTpu.packages.length, 1);
  });
});
