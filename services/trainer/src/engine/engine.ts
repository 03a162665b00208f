/**
 * What trains a network. An engine is one way of running tensors on this machine; a session is one network in training.
 * Calls are synchronous and long (up to seconds), which is why sessions live in a job's own child process.
 */
import type { Network } from '../model/network.js';
import type { Weight } from '../model/weights.js';

/** The engines that are built, best first. */
export const engineNames = ['tfjs-node', 'wasm'] as const;

/** One of the engines that are built. */
export type EngineName = (typeof engineNames)[number];

/** An engine that has been loaded. */
export interface Engine {
  readonly name: EngineName;
  /** What it is made of, for the job's record: part -> version. */
  readonly versions: Readonly<Record<string, string>>;
  openSession(options: SessionOptions): TrainingSession;
}

/** How a session begins. */
export interface SessionOptions {
  readonly network: Network;
  readonly weights: readonly Weight[];
  /** Adam's step size; beta 0.9 and 0.999, epsilon 1e-7 as in Keras. */
  readonly learningRate: number;
  /** Selects the dropout masks. */
  readonly seed: number;
}

/** A network in training. */
export interface TrainingSession {
  /**
   * One step of Adam on the mean sparse cross-entropy of a batch. `pixels` is count x size x size x 3 in 0..1, `labels` has one
   * class index a photo. Gives the batch's mean loss and how many photos were right, both before the step, dropout included.
   */
  step(pixels: Float32Array, labels: Int32Array): StepResult;
  /** Class probabilities without dropout: count x classes, row-major. */
  predict(pixels: Float32Array, count: number): Float32Array;
  /** A copy of the weights as they stand. */
  weights(): readonly Weight[];
  dispose(): void;
}

/** What a step brought. */
export interface StepResult {
  readonly loss: number;
  readonly correct: number;
}
