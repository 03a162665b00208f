import { AtollError } from '@atoll/base/error';
import type { Backend, LoadedModel, TensorMemory, TensorSpec } from './model.js';
import { tensorBytes } from './model.js';

/** What a backend has to offer; serialModel adds the checks, the order of runs and the end. */
export interface Engine {
  readonly backend: Backend;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Where a run takes its inputs and leaves its outputs. */
  readonly memory: TensorMemory;
  invoke(): void;
  invokeAsync(): Promise<void>;
  free(): void;
}

/** Makes a model of a backend's engine: inputs are checked, runs never overlap, close waits for them. */
export function serialModel(engine: Engine): LoadedModel {
  let underWay = 0;
  let tail: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const checkOpen = (): void => {
    if (closing !== undefined) throw new AtollError('FAILED_PRECONDITION', 'cannot run the model: it is closed');
  };
  const checkIdle = (): void => {
    if (underWay > 0) {
      throw new AtollError('FAILED_PRECONDITION', 'cannot run the model: a run is under way on it already');
    }
  };
  const load = (inputs: readonly Uint8Array[]): void =>
    engine.memory.inputs.forEach((memory, i) => memory.set(inputs[i] ?? []));
  const results = (): Uint8Array[] => engine.memory.outputs.map((memory) => memory.slice());

  return {
    backend: engine.backend,
    inputs: engine.inputs,
    outputs: engine.outputs,
    memory: engine.memory,
    runInPlace() {
      checkOpen();
      checkIdle();
      engine.invoke();
    },
    async run(inputs) {
      checkOpen();
      checkInputs(engine.inputs, inputs);
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
      checkOpen();
      checkInputs(engine.inputs, inputs);
      checkIdle();
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
