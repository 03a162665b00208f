// One layer as a whole model, imported, optimized, written and run: what it gives for numbers chosen by hand.
import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { writeModel } from '@atoll/tflite/write';
import { verify } from '../../graph/verify.js';
import type { Graph } from '../../graph/graph.js';
import { passes } from '../../passes/passes.js';
import { writeTfLite } from '../../write/write-tflite.js';
import { importModel } from '../import-model.js';
import { layersModelFiles } from '../keras-files-for-tests.js';

/** A weight by its name: its shape and its values. */
export type TestWeights = Readonly<Record<string, readonly [shape: readonly number[], data: readonly number[]]>>;

/** A layer with as many inputs as there are shapes, and its weights. */
export interface TestLayer {
  readonly className: string;
  readonly config: object;
  readonly shapes: readonly (readonly number[])[];
  readonly weights: TestWeights;
  /** Settings beside the configuration: Keras 3 writes the module. */
  readonly more?: object;
}

/** The topology of a model of one layer, as Keras 2 writes it. */
function modelOf({ className, config, shapes, more }: TestLayer): object {
  const inputs = shapes.map((shape, index) => ({
    class_name: 'InputLayer',
    name: `in_${index}`,
    config: { name: `in_${index}`, batch_input_shape: [null, ...shape] },
    inbound_nodes: [],
  }));
  const calls = [inputs.map(({ name }) => [name, 0, 0, {}])];
  const layer = {
    class_name: className,
    name: 'layer',
    config: { name: 'layer', ...config },
    inbound_nodes: calls,
    ...more,
  };
  return {
    class_name: 'Functional',
    config: {
      name: 'one',
      layers: [...inputs, layer],
      input_layers: inputs.map(({ name }) => [name, 0, 0]),
      output_layers: [['layer', 0, 0]],
    },
  };
}

/** The graph of a layer, straight from the import. */
export async function importLayer(layer: TestLayer): Promise<Graph> {
  const weights = Object.entries(layer.weights).map(([name, [shape, data]]) => ({
    layer: 'layer',
    name,
    shape,
    data: Float32Array.from(data),
  }));
  return verify(await importModel(layersModelFiles(modelOf(layer), weights)), 'import');
}

/** Runs a graph: the shape and the values of its first output. */
export async function runGraph(imported: Graph, inputs: readonly (readonly number[])[]) {
  const graph = passes.reduce((before, pass) => verify(pass.run(before), pass.name), imported);
  const model = await openModel(writeModel(writeTfLite(graph)), {
    backend: 'auto',
    libraries: cachePaths(process.env),
  });
  try {
    const outputs = await model.run(inputs.map((data) => new Uint8Array(Float32Array.from(data).buffer)));
    const [bytes] = outputs;
    const shape = model.outputs[0]?.shape ?? [];
    return { shape, values: bytes === undefined ? [] : [...new Float32Array(bytes.slice().buffer)] };
  } finally {
    await model.close();
  }
}
