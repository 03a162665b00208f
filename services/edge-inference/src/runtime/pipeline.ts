/*
 * A model that was cut into parts, run as a row of stages, each in a slot of its own: while one stage works on a request, the one
 * before works on the next, so that answers come as fast as the slowest stage makes them. A stage holds one request at a time and
 * hands it on only when the next stage is free, so at most one request a stage is under way; the others wait at the door.
 */
import { AtollError } from '@atoll/base/error';
import { tensorBytes } from '@atoll/runtime/model';
import type { TensorSpec } from '@atoll/runtime/model';
import type { RunResult } from './child-process.js';

/** A part of the model, loaded. */
export interface Stage {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  run(inputs: readonly Uint8Array[], signal: AbortSignal, patient: boolean): Promise<RunResult>;
}

/** The parts as one model. */
export interface Pipeline {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** `patient` as for a slot: whether a part waits for its slot to come back. */
  run(inputs: readonly Uint8Array[], signal: AbortSignal, patient: boolean): Promise<RunResult>;
}

/** Joins the stages; FAILED_PRECONDITION when one takes what none before it gives. */
export function createPipeline(stages: readonly Stage[]): Pipeline {
  const sources = wire(stages);
  const turns = stages.map(() => createTurn());
  const { inputs = [] } = stages[0] ?? {};
  const { outputs = [] } = stages.at(-1) ?? {};
  return {
    inputs,
    outputs,
    async run(given, signal, patient) {
      // made[0] is what the caller gave, made[i] what stage i - 1 made of it.
      const made: (readonly Uint8Array[])[] = [given];
      const results: RunResult[] = [];
      const since = performance.now();
      let waitedMs = 0;
      let leave = (): void => undefined;
      try {
        for (const [i, stage] of stages.entries()) {
          const next = await turns[i]?.enter(signal);
          if (i === 0) waitedMs = performance.now() - since;
          leave();
          leave = next ?? leave;
          const tensors = (sources[i] ?? []).map(({ from, at }) => made[from]?.[at] ?? new Uint8Array(0));
          const result = await stage.run(tensors, signal, patient);
          results.push(result);
          made.push(result.outputs);
        }
      } finally {
        leave();
      }
      return joined(results, waitedMs);
    },
  };
}

/** Where a stage's input comes from: output `at` of stage `from` - 1, or of the caller for 0. */
interface Source {
  readonly from: number;
  readonly at: number;
}

/** Tensors find each other by name, the nearest first; where the compiler renamed them, by their order in the stage before. */
function wire(stages: readonly Stage[]): readonly (readonly Source[])[] {
  const given: (readonly TensorSpec[])[] = [];
  return stages.map(({ inputs, outputs }, i) => {
    if (i === 0) given.push(inputs);
    const sources = inputs.map((spec, at): Source => {
      if (i === 0) return { from: 0, at };
      const byName = given.findLastIndex((specs) => specs.some(({ name }) => name === spec.name));
      const source = byName < 0 ? { from: i, at } : { from: byName, at: nameAt(given[byName] ?? [], spec.name) };
      const found = given[source.from]?.[source.at];
      if (found !== undefined && sameTensor(found, spec)) return source;
      const has = found === undefined ? 'nothing' : shown(found);
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot join segment ${i} of ${stages.length}: it takes ${shown(spec)} and gets ${has}`,
      );
    });
    given.push(outputs);
    return sources;
  });
}

function nameAt(specs: readonly TensorSpec[], name: string): number {
  return specs.findIndex((spec) => spec.name === name);
}

/** True when bytes of one mean the same in the other. */
function sameTensor(one: TensorSpec, other: TensorSpec): boolean {
  return (
    one.dtype === other.dtype &&
    tensorBytes(one) === tensorBytes(other) &&
    one.scale === other.scale &&
    one.zeroPoint === other.zeroPoint
  );
}

function shown({ name, dtype, shape, scale, zeroPoint }: TensorSpec): string {
  const quantization = scale === null ? '' : ` at scale ${scale} zero point ${zeroPoint}`;
  return `${name} ${dtype} [${shape.join(', ')}]${quantization}`;
}

/** The result of the row: times of all stages, and what lay between them as input. */
function joined(results: readonly RunResult[], waitedMs: number): RunResult {
  const sum = (of: (result: RunResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const [first] = results;
  const last = results.at(-1);
  return {
    outputs: last?.outputs ?? [],
    backend: last?.backend ?? '',
    device: [...new Set(results.map(({ device }) => device))].join('+'),
    queueMs: waitedMs + (first?.queueMs ?? 0),
    inputMs: sum(({ inputMs }) => inputMs) + sum(({ queueMs }) => queueMs) - (first?.queueMs ?? 0),
    inferMs: sum(({ inferMs }) => inferMs),
    outputMs: sum(({ outputMs }) => outputMs),
  };
}

/** A place for one, in the order of asking. */
interface Turn {
  /** Settles with what gives the place back; CANCELLED when `signal` aborts first. */
  enter(signal: AbortSignal): Promise<() => void>;
}

function createTurn(): Turn {
  const waiting: (() => void)[] = [];
  let taken = false;
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken = false;
    else next();
  };
  /** Giving the place back twice would let two in. */
  const once = (): (() => void) => {
    let left = false;
    return () => {
      if (!left) leave();
      left = true;
    };
  };
  return {
    async enter(signal) {
      if (signal.aborted) throw cancelled();
      if (!taken) {
        taken = true;
        return once();
      }
      return await new Promise((resolve, reject) => {
        const enter = (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(once());
        };
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(enter), 1);
          reject(cancelled());
        };
        waiting.push(enter);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}

function cancelled(): AtollError {
  return new AtollError('CANCELLED', 'cannot run: the caller went away');
}
