import type { Activation, Padding } from '@atoll/tflite/enums';
import type { Graph } from '../graph/graph.js';
import { Net } from './net-for-tests.js';

type Margins = readonly [number, number, number, number];

/** A small network of everything that the passes look at, drawn from a seed: one input of 8x8x2, one or two outputs. */
export function randomNet(seed: number): Graph {
  const net = new Net(seed);
  const pick = <const T>(choices: readonly [T, ...T[]]): T =>
    choices[Math.floor(net.random() * choices.length)] ?? choices[0];
  const padding = (): Padding => pick(['SAME', 'VALID']);
  const fused = (): Activation => pick(['NONE', 'NONE', 'NONE', 'RELU', 'RELU6']);
  /** Values of three sizes and more that later layers may read. */
  const images: number[] = [net.input('x', [1, 8, 8, 2])];
  const size = (index: number): number => net.shape(index)[1] ?? 1;
  const channels = (index: number): number => net.shape(index)[3] ?? 1;
  const latest = (): number => images.at(-1) ?? 0;

  const layers: Readonly<Record<string, (name: string) => number>> = {
    conv: (name) => {
      const at = latest();
      const kernel = size(at) < 3 ? 1 : pick([1, 3]);
      return net.conv(name, at, pick([2, 3, 4]), {
        kernel,
        padding: padding(),
        activation: fused(),
        stride: pick([1, 1, 2]),
      });
    },
    depthwise: (name) => {
      const kernel = size(latest()) < 3 ? 1 : 3;
      return net.depthwise(name, latest(), { kernel, padding: padding(), activation: fused() }, pick([1, 1, 2]));
    },
    up: (name) => (size(latest()) > 4 ? net.relu(name, latest()) : net.transposeConv(name, latest(), pick([2, 3]))),
    batchNorm: (name) => net.batchNorm(name, latest(), pick([0.2, -1])),
    scale: (name) => net.div(name, latest(), net.floats(`${name}/by`, [pick([2, -3])])),
    shift: (name) => net.sub(name, latest(), net.uniform(`${name}/by`, [channels(latest())], -1, 1)),
    mirror: (name) => net.sub(name, net.floats(`${name}/from`, [0.5]), latest()),
    relu: (name) => net.relu(name, latest(), pick(['RELU', 'RELU6', 'RELU_N1_TO_1'])),
    leaky: (name) => net.leakyRelu(name, latest()),
    pool: (name) => {
      const kind = pick(['MAX_POOL_2D', 'AVERAGE_POOL_2D']);
      return size(latest()) < 2 ? net.leakyRelu(name, latest()) : net.pool(name, kind, latest(), padding());
    },
    pad: (name) =>
      net.pad(
        name,
        latest(),
        pick<Margins>([
          [1, 1, 1, 1],
          [0, 1, 0, 1],
          [0, 0, 0, 0],
        ]),
      ),
    turn: (name) => net.transpose(name, latest(), pick([[0, 2, 1, 3] as const, [0, 1, 2, 3] as const])),
    residual: (name) => {
      const at = latest();
      const same = net.conv(`${name}/branch`, at, channels(at), { kernel: 1, activation: fused() });
      return net.add(name, at, pick([same, net.batchNorm(`${name}/bn`, same)]));
    },
    join: (name) => {
      const at = latest();
      const other = net.conv(`${name}/branch`, at, 2, { kernel: 1, padding: 'SAME' });
      return net.concat(name, pick([[at, other] as const, [other, at] as const]));
    },
    swish: (name) => {
      const gate = net.relu(
        `${name}/gate`,
        net.add(`${name}/shifted`, latest(), net.floats(`${name}/three`, [3])),
        'RELU6',
      );
      return net.mul(name, latest(), net.mul(`${name}/share`, gate, net.floats(`${name}/sixth`, [1 / 6])));
    },
  };
  const kinds = Object.keys(layers) as [string, ...string[]];
  const count = 4 + Math.floor(net.random() * 7);
  for (let layer = 0; layer < count; layer++) {
    const kind = pick(kinds);
    if (images.length > 1 && net.random() < 0.1) images.push(pick(images as [number, ...number[]]));
    images.push(layers[kind]?.(`${kind}_${layer}`) ?? latest());
  }
  const last = latest();
  const row = pick([() => net.mean('mean', last), () => net.flatten('flat', last)])();
  const hidden = net.relu('hidden', net.batchNorm('hidden/bn', net.dense('hidden/linear', row, 6)));
  const logits = net.dense('logits', hidden, 4);
  const scores = net.softmax('scores', net.random() < 0.3 ? net.reshape('logits/row', logits, [1, 4]) : logits);
  return net.random() < 0.5 ? net.graph(scores, last) : net.graph(scores);
}
