import { AtollError } from '@atoll/base/error';
import type { Backend, LoadedModel, TensorSpec } from './model.js';
import { tensorBytes } from './model.js';

/** What a backend has to offer; serialModel adds the checks, the order of runs and the end. */
export interface Engine {
  readonly backend: Backend;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Copies bytes of exactly the right size into an input tensor. */
  write(input: number, bytes: Uint8Array): void;
  invoke(): void;
  invokeAsync(): Promise<void>;
  /** A copy of an output tensor. */
  read(output: number): Uint8Array;
  free(): void;
}

/** Makes a model of a backend's engine: inputs are checked, runs never overlap, close waits for them. */
export function serialModel(engine: Engine): LoadedModel {
  let underWay = 0;
  let tail: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const admit = (inputs: readonly Uint8Array[]): void => {
    if (closing !== undefined) throw new AtollError('FAILED_PRECONDITION', 'cannot run the model: it is closed');
    checkInputs(engine.inputs, inputs);
  };
  const load = (inputs: readonly Uint8Array[]): void => inputs.forEach((bytes, i) => engine.write(i, bytes));
  const results = (): Uint8Array[] => engine.outputs.map((_, i) => engine.read(i));

  return {
    backend: engine.backend,
    inputs: engine.inputs,
    outputs: engine.outputs,
    async run(inputs) {
      admit(inputs);
      underWay++;
      const mine = tail.then(async () => {
        load(inputs);
        await engine.invokeAsync();
        return results();
      });
      tail = mine.catch(() => undefined);
      try {
        return await mine;
      } finally {
        underWay--;
      }
    },
    runSync(inputs) {
      admit(inputs);
      if (underWay > 0) {
        throw new AtollError('FAILED_PRECONDITION', 'cannot run the model: a run is under way on it already');
      }
      load(inputs);
      engine.invoke();
      return results();
    },
    close() {
      closing ??= tail.then(() => engine.free());
      return closing;
    },
  };
}

function checkInputs(specs: readonly TensorSpec[], inputs: readonly Uint8Array[]): void {
  if (inputs.length !== specs.length) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot run the model: it takes ${specs.length} inputs, not ${inputs.length}`,
    );
  }
  specs.forEach((spec, i) => {
    const expected = tensorBytes(spec);
    const actual = inputs[i]?.byteLength;
    if (actual === expected) return;
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot run the model: input ${spec.name} is ${spec.dtype} [${spec.shape.join(', ')}] and takes ${expected} bytes, not ${actual}`,
    );
  });
}
