// Models for the tests, made from a seed: the same seed gives the same bytes.
import type { ModelFiles } from './import/layers-model.js';
import { seededRandom } from './calibrate/seeded-random.js';
import type { Photo } from './photo.js';

export { seededRandom };

/** One layer of a topology as Keras writes it. */
export interface LayerJson {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** The reference network: three convolutions, two dense layers; 1,722,886 parameters at size 100. */
export function referenceLayers(size: number, classes = 6): readonly LayerJson[] {
  const conv = (name: string, filters: number, more: object = {}): LayerJson => ({
    class_name: 'Conv2D',
    config: {
      name,
      filters,
      kernel_size: [3, 3],
      strides: [1, 1],
      padding: 'valid',
      activation: 'relu',
      use_bias: true,
      data_format: 'channels_last',
      dilation_rate: [1, 1],
      ...more,
    },
  });
  const pool = (name: string): LayerJson => ({
    class_name: 'MaxPooling2D',
    config: { name, pool_size: [2, 2], strides: [2, 2], padding: 'valid', data_format: 'channels_last' },
  });
  const dense = (name: string, units: number, activation: string): LayerJson => ({
    class_name: 'Dense',
    config: { name, units, activation, use_bias: true },
  });
  const dropout = (name: string): LayerJson => ({ class_name: 'Dropout', config: { name, rate: 0.2 } });
  return [
    conv('conv_1', 16, { batch_input_shape: [null, size, size, 3] }),
    pool('pool_1'),
    conv('conv_2', 64),
    pool('pool_2'),
    dropout('dropout_1'),
    conv('conv_3', 128),
    pool('pool_3'),
    { class_name: 'Flatten', config: { name: 'flatten' } },
    dense('dense_1', 128, 'relu'),
    dropout('dropout_2'),
    dense('dense_2', classes, 'softmax'),
  ];
}

/** Shapes of the weights of the layers, found by walking them. */
function weightShapes(layers: readonly LayerJson[]): readonly { name: string; shape: readonly number[] }[] {
  let shape: number[] = [];
  const weights: { name: string; shape: readonly number[] }[] = [];
  for (const { class_name: className, config } of layers) {
    const input = config['batch_input_shape'];
    if (Array.isArray(input)) shape = input.slice(1) as number[];
    const [height = 1, width = 1, depth = 1] = shape;
    const name = String(config['name']);
    if (className === 'Conv2D') {
      const filters = Number(config['filters']);
      weights.push(
        { name: `${name}/kernel`, shape: [3, 3, depth, filters] },
        { name: `${name}/bias`, shape: [filters] },
      );
      shape = [height - 2, width - 2, filters];
    } else if (className === 'MaxPooling2D' || className === 'AveragePooling2D') {
      shape = [height >> 1, width >> 1, depth];
    } else if (className === 'Flatten') {
      shape = [height * width * depth];
    } else if (className === 'Dense') {
      const units = Number(config['units']);
      const last = shape.at(-1) ?? 1;
      weights.push({ name: `${name}/kernel`, shape: [last, units] }, { name: `${name}/bias`, shape: [units] });
      shape = [units];
    }
  }
  return weights;
}

/** A layers-model with weights drawn as Glorot's uniform distribution, biases small. */
export function layersModel(layers: readonly LayerJson[], seed: number): ModelFiles {
  const random = seededRandom(seed);
  const weights = weightShapes(layers);
  const data = weights.flatMap(({ shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const fanIn = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const limit = shape.length === 1 ? 0.05 : Math.sqrt(6 / (fanIn + (shape.at(-1) ?? 1)));
    return [Float32Array.from({ length: count }, () => (2 * random() - 1) * limit)];
  });
  const bytes = Buffer.concat(data.map((one) => new Uint8Array(one.buffer)));
  const half = bytes.length >> 1;
  const json = {
    format: 'layers-model',
    modelTopology: { class_name: 'Sequential', config: { name: 'reference', layers } },
    weightsManifest: [
      {
        paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'],
        weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  };
  return new Map<string, Uint8Array>([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ['group1-shard1of2.bin', bytes.subarray(0, half)],
    ['group1-shard2of2.bin', bytes.subarray(half)],
  ]);
}

/** Photos of smooth random colours, labelled in turn. */
export function smoothPhotos(count: number, seed: number, labels: readonly string[] = []): readonly Photo[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `photo-${index}.png`,
    label: labels.length === 0 ? null : (labels[index % labels.length] ?? null),
    pixels: async ({ width, height, channels }) => {
      const random = seededRandom(seed * 1000 + index);
      const waves = Array.from({ length: 9 }, () => random() * 0.3);
      const pixels = new Uint8Array(width * height * channels);
      for (let at = 0; at < pixels.length; at++) {
        const channel = at % channels;
        const x = Math.floor(at / channels) % width;
        const y = Math.floor(at / channels / width);
        const [a = 0, b = 0, c = 0] = waves.slice(3 * channel, 3 * channel + 3);
        pixels[at] = 127.5 + 127 * Math.sin(x * a + y * b + 20 * c);
      }
      return pixels;
    },
  }));
}
