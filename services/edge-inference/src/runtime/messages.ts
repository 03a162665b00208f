import type { ErrorCode } from '@atoll/base/error';
import type { Sha256 } from '@atoll/base/digest';
import type { Segment } from '@atoll/release/target';
import type { TensorSpec } from '@atoll/runtime/model';
import type { BackendChoice, Libraries } from '@atoll/runtime/open';

/** How a child opens models. */
export interface RuntimeSettings {
  readonly libraries: Libraries;
  /** Threads of one run. */
  readonly threads: number;
  /** The accelerator that the child owns, such as usb:0; undefined for a child of the CPU. */
  readonly device?: string;
  /** Options of the accelerator's library, beside its device. */
  readonly edgeTpuOptions?: Readonly<Record<string, string>>;
}

/** A file that a child may open, in the order of preference. */
export interface Candidate {
  readonly backend: BackendChoice;
  readonly path: string;
  readonly sha256: Sha256;
  /** The part of the model that it holds; undefined = all of it. */
  readonly segment?: Segment;
}

/** What the front sends beside runs; `id` ties an answer to its question, `model` is the front's number for a loaded model. */
export type ToChild =
  | ({ readonly kind: 'start'; readonly id: number } & RuntimeSettings)
  | { readonly kind: 'load'; readonly id: number; readonly model: number; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'unload'; readonly id: number; readonly model: number }
  | { readonly kind: 'ping'; readonly id: number };

/** A loaded model as the child describes it. */
export interface LoadedInfo {
  readonly backend: string;
  /** Where it runs: cpu, or the accelerator, such as usb:0. */
  readonly device: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** By how much the child's resident memory grew through the load and a first run. */
  readonly memoryBytes: number;
}

/** What a child answers; to a run it is a frame of its own, or `failed`. */
export type FromChild =
  | ({ readonly kind: 'loaded'; readonly id: number } & LoadedInfo)
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };

/** The machine's monotonic clock, the same in every process of it; milliseconds. */
export function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
