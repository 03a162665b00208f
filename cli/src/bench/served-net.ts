/**
 * The two nets that inference is measured on, in the words of Keras 2: a CNN of four convolutions at 150 x 150, and
 * MobileNetV2 1.0 at 224 x 224 (Sandler et al. 2018, table 2) with its batch norms folded. The weights are random, from a
 * seed, since time does not depend on them.
 */

/** A layers-model: the text of model.json, and the bytes of the one file of weights that it names. */
export interface LayersModel {
  readonly json: string;
  readonly weights: Uint8Array;
}

/** The name under which `weights` must lie beside model.json. */
export const weightsFile = 'weights.bin';

const classes = 6;

/** 1.7 million parameters; uint8 [1, 150, 150, 3] in and [1, 6] out once it is quantized. */
export function fourConvolutions(seed: number): LayersModel {
  const net = startNet(150, seed);
  let at: Node = net.input;
  for (const filters of [16, 32, 64, 128])
    at = net.maxPool(net.convolution(at, { filters, kernel: 3, stride: 1, padding: 'valid', activation: 'relu' }));
  at = net.dense(net.flatten(at), 256, 'relu');
  return net.finish(net.dense(at, classes, 'softmax'));
}

/** 2.2 million parameters; uint8 [1, 224, 224, 3] in and [1, 6] out once it is quantized. */
export function mobileNetV2(seed: number): LayersModel {
  const net = startNet(224, seed);
  const same = { padding: 'same' } as const;
  let at = net.relu6(net.convolution(net.input, { filters: 32, kernel: 3, stride: 2, ...same }));
  // Expansion, filters, repeats, first stride.
  const stages: readonly (readonly [t: number, c: number, n: number, s: number])[] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expansion, filters, repeats, firstStride] of stages) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const stride = repeat === 0 ? firstStride : 1;
      const wide =
        expansion === 1
          ? at
          : net.relu6(net.convolution(at, { filters: at.channels * expansion, kernel: 1, stride: 1, ...same }));
      const filtered = net.relu6(net.depthwise(wide, stride));
      const narrow = net.convolution(filtered, { filters, kernel: 1, stride: 1, ...same });
      at = repeat === 0 ? narrow : net.add(at, narrow);
    }
  }
  at = net.relu6(net.convolution(at, { filters: 1280, kernel: 1, stride: 1, ...same }));
  return net.finish(net.dense(net.averagePool(at), classes, 'softmax'));
}

/** What a layer gives. */
interface Node {
  readonly layer: string;
  readonly channels: number;
  /** Height and width; 1 once it is flat. */
  readonly size: number;
}

interface Convolution {
  readonly filters: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: 'same' | 'valid';
  readonly activation?: string;
}

function startNet(size: number, seed: number) {
  const layers: object[] = [];
  const weights: { readonly name: string; readonly shape: readonly number[]; readonly values: Float32Array }[] = [];
  const random = normalNumbers(seed);

  const add = (kind: string, from: readonly Node[], config: object): string => {
    const name = `${kind.toLowerCase()}_${layers.length}`;
    const inbound = from.length === 0 ? [] : [from.map(({ layer }) => [layer, 0, 0, {}])];
    layers.push({ class_name: kind, name, config: { name, dtype: 'float32', ...config }, inbound_nodes: inbound });
    return name;
  };
  /** Of a spread that keeps the activations' (He et al. 2015). */
  const weigh = (layer: string, kernel: string, shape: readonly number[], inputs: number, outputs: number): void => {
    const deviation = Math.sqrt(2 / inputs);
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() * deviation);
    const bias = Float32Array.from({ length: outputs }, () => random() * 0.1);
    weights.push({ name: `${layer}/${kernel}`, shape, values });
    weights.push({ name: `${layer}/bias`, shape: [outputs], values: bias });
  };
  const strided = (size: number, kernel: number, stride: number, padding: string): number =>
    padding === 'same' ? Math.ceil(size / stride) : Math.ceil((size - kernel + 1) / stride);

  const input: Node = {
    layer: add('InputLayer', [], { batch_input_shape: [null, size, size, 3] }),
    channels: 3,
    size,
  };
  return {
    input,
    convolution(from: Node, { filters, kernel, stride, padding, activation = 'linear' }: Convolution): Node {
      const layer = add('Conv2D', [from], {
        filters,
        kernel_size: [kernel, kernel],
        strides: [stride, stride],
        padding,
        activation,
        use_bias: true,
      });
      const shape = [kernel, kernel, from.channels, filters];
      weigh(layer, 'kernel', shape, kernel * kernel * from.channels, filters);
      return { layer, channels: filters, size: strided(from.size, kernel, stride, padding) };
    },
    depthwise(from: Node, stride: number): Node {
      const layer = add('DepthwiseConv2D', [from], {
        kernel_size: [3, 3],
        strides: [stride, stride],
        padding: 'same',
        depth_multiplier: 1,
        activation: 'linear',
        use_bias: true,
      });
      weigh(layer, 'depthwise_kernel', [3, 3, from.channels, 1], 9, from.channels);
      return { layer, channels: from.channels, size: strided(from.size, 3, stride, 'same') };
    },
    relu6: (from: Node): Node => ({ ...from, layer: add('ReLU', [from], { max_value: 6 }) }),
    add: (a: Node, b: Node): Node => ({ ...a, layer: add('Add', [a, b], {}) }),
    maxPool(from: Node): Node {
      const layer = add('MaxPooling2D', [from], { pool_size: [2, 2], strides: [2, 2], padding: 'valid' });
      return { ...from, layer, size: Math.floor(from.size / 2) };
    },
    averagePool: (from: Node): Node => ({ ...from, layer: add('GlobalAveragePooling2D', [from], {}), size: 1 }),
    flatten: (from: Node): Node => ({
      layer: add('Flatten', [from], {}),
      channels: from.channels * from.size * from.size,
      size: 1,
    }),
    dense(from: Node, units: number, activation: string): Node {
      const layer = add('Dense', [from], { units, activation, use_bias: true });
      weigh(layer, 'kernel', [from.channels, units], from.channels, units);
      return { layer, channels: units, size: 1 };
    },
    finish(output: Node): LayersModel {
      const config = {
        name: 'net',
        layers,
        input_layers: [[input.layer, 0, 0]],
        output_layers: [[output.layer, 0, 0]],
      };
      const manifest = weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
      const json = JSON.stringify({
        format: 'layers-model',
        generatedBy: 'Atoll',
        modelTopology: { keras_version: '2.15.0', model_config: { class_name: 'Functional', config } },
        weightsManifest: [{ paths: [weightsFile], weights: manifest }],
      });
      return { json, weights: Buffer.concat(weights.map(({ values }) => Buffer.from(values.buffer))) };
    },
  };
}

/** Numbers of the standard normal distribution (Box and Muller) from a linear congruential generator modulo 2^32. */
function normalNumbers(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
