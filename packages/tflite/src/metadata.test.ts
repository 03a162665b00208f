import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { isAtollError } from '@atoll/base/error';
import {
  appendLabels,
  readLabels,
  readMetadata,
  readMinRuntimeVersion,
  withClassifierMetadata,
  withMinRuntimeVersion,
} from './metadata.js';
import type { TfLiteModel } from './model.js';
import { readModel } from './read.js';
import { writeModel } from './write.js';
import { appendZip, readZip } from './zip.js';

const empty: TfLiteModel = {
  description: '',
  operatorCodes: [],
  subgraphs: [{ name: '', tensors: [], inputs: [], outputs: [], operators: [] }],
  buffers: [new Uint8Array()],
  metadata: [],
  signatures: [],
};
const classifier = {
  name: 'photos',
  description: 'six classes',
  version: '1',
  author: 'A',
  license: 'Apache-2.0',
  pixelMean: 0,
  pixelStd: 255,
  imageWidth: 100,
  imageHeight: 80,
  imageChannels: 3 as const,
  labels: ['airplane', 'frog', 'Schiff äöü'],
};

describe('TFLite Metadata', () => {
  it('labels, normalization and image size come back from the file alone', () => {
    const model = withMinRuntimeVersion(withClassifierMetadata(empty, classifier), '1.14.0');
    const file = appendLabels(writeModel(model), classifier.labels);
    const read = readModel(file);
    assert.deepEqual(readLabels(file, read), classifier.labels);
    assert.equal(readMinRuntimeVersion(read), '1.14.0');
    const input = readMetadata(read)?.subgraphs[0]?.inputs[0];
    assert.deepEqual(input?.processUnits[0]?.options, { type: 'NormalizationOptions', mean: [0], std: [255] });
    assert.deepEqual(input?.content?.contentProperties, {
      type: 'ImageProperties',
      colorSpace: 1,
      defaultSize: { width: 100, height: 80 },
    });
    assert.deepEqual(input?.stats, { min: [-0], max: [1] });
  });

  it('a model without metadata has none', () => {
    const file = writeModel(empty);
    assert.equal(readMetadata(readModel(file)), null);
    assert.equal(readLabels(file, readModel(file)), null);
    assert.equal(readMinRuntimeVersion(readModel(file)), null);
  });
});

describe('readZip', () => {
  const prefix = Uint8Array.of(1, 2, 3);
  const data = new TextEncoder().encode('one\ntwo\n');

  it('gives back what appendZip stored, behind any prefix', () => {
    const file = appendZip(prefix, [
      { name: 'a.txt', data },
      { name: 'b.txt', data: new Uint8Array() },
    ]);
    assert.deepEqual(file.subarray(0, 3), Buffer.from(prefix));
    assert.deepEqual(
      readZip(file, 'f').map(({ name, data: bytes }) => [name, [...bytes]]),
      [
        ['a.txt', [...data]],
        ['b.txt', []],
      ],
    );
    assert.deepEqual(readZip(prefix, 'f'), []);
  });

  it('inflates entries of other writers', () => {
    const packed = deflateRawSync(data);
    const file = Buffer.from(appendZip(prefix, [{ name: 'a.txt', data: packed }]));
    const original = Buffer.from(appendZip(prefix, [{ name: 'a.txt', data }]));
    const central = file.indexOf(Buffer.from('PK\u0001\u0002'));
    file.writeUInt16LE(8, central + 10);
    file.writeUInt32LE(data.length, central + 24);
    original.copy(
      file,
      central + 16,
      original.indexOf(Buffer.from('PK\u0001\u0002')) + 16,
      original.indexOf(Buffer.from('PK\u0001\u0002')) + 20,
    );
    assert.deepEqual([...(readZip(file, 'f')[0]?.data ?? [])], [...data]);
  });

  it('refuses a changed byte and an entry above the limit', () => {
    const file = Uint8Array.from(appendZip(prefix, [{ name: 'a.txt', data }]));
    assert.throws(() => readZip(file, 'f', 4), /limit of 4 bytes/);
    file[3 + 30 + 5] = 0;
    assert.throws(
      () => readZip(file, 'f'),
      (error) => isAtollError(error, 'DATA_LOSS') && error.message.includes('a.txt does not match its checksum'),
    );
  });
});
