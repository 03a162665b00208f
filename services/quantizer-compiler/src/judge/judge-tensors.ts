// Runs both models with every activation as an output on some photos, and compares tensor by tensor.
import { writeModel } from '@atoll/tflite/write';
import { observeAll } from '../calibrate/observed-model.js';
import type { Graph } from '../graph/graph.js';
import { floatInput, readable } from '../photo.js';
import type { CompletePlan } from '../quantize/plan-quantization.js';
import { quantizeGraph } from '../quantize/quantize.js';
import type { ObservedPhotos } from '../run/observe-photos.js';
import { runAsReals, withModel } from '../run/run-model.js';
import type { CompilePorts } from '../stages.js';
import { writeTfLite } from '../write/write-tflite.js';
import { TensorErrors } from './tensor-errors.js';
import type { TensorError } from './tensor-errors.js';

/** Photos that are compared on: errors of tensors have thousands of values a photo, and settle soon. */
const comparedPhotos = 12;
/** Of activations of the float model. */
const maxKeptBytes = 64 * 1024 * 1024;

/** The error of each activation by its name; empty where no photo can be decoded. */
export async function judgeTensors(
  { graph, float, assigned }: CompletePlan,
  { photos, size, pixels }: ObservedPhotos,
  ports: CompilePorts,
): Promise<ReadonlyMap<string, TensorError>> {
  const outputs = observedOutputs(graph);
  const errors = outputs.map((index) => ({
    name: graph.values[index]?.name ?? '',
    params: assigned.get(index),
    errors: new TensorErrors(),
  }));
  const kept: { readonly pixels: Uint8Array; readonly reals: ReadonlyMap<string, Float32Array> }[] = [];
  let keptBytes = 0;
  // One model after the other: two of a large one would take twice the memory.
  await withModel(ports.openModel(writeModel(writeTfLite({ ...float, outputs }))), async (model) => {
    for await (const photo of readable(photos.slice(0, comparedPhotos), size, ports.signal, [])) {
      const reals = await runAsReals(model, floatInput(photo.pixels, pixels));
      kept.push({ pixels: photo.pixels, reals });
      for (const one of reals.values()) keptBytes += one.byteLength;
      if (keptBytes > maxKeptBytes) return;
    }
  });
  // Every activation is given as float32: the WebAssembly backend knows no int8 outputs.
  const options = { inputType: 'uint8', outputType: 'float32' } as const;
  const int8 = writeTfLite(quantizeGraph({ ...graph, outputs }, assigned, options).graph);
  await withModel(ports.openModel(writeModel(int8)), async (model) => {
    for (const photo of kept) {
      ports.signal.throwIfAborted();
      const got = await runAsReals(model, photo.pixels);
      for (const { name, params, errors: sums } of errors) {
        const [expected, actual] = [photo.reals.get(name), got.get(name)];
        if (expected !== undefined && actual !== undefined && params !== undefined) sums.add(expected, actual, params);
      }
    }
  });
  return new Map(errors.map(({ name, errors: sums }) => [name, sums.result()]));
}

function observedOutputs(graph: Graph): readonly number[] {
  return observeAll(graph, false).graph.outputs;
}
