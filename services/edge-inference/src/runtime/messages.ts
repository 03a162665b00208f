import type { ErrorCode } from '@atoll/base/error';
import type { Sha256 } from '@atoll/base/digest';
import type { TensorSpec } from '@atoll/runtime/model';
import type { BackendChoice, Libraries } from '@atoll/runtime/open';

/** A file that a child may open, in the order of preference. */
export interface Candidate {
  readonly backend: BackendChoice;
  readonly path: string;
  readonly sha256: Sha256;
}

/** What the front sends; `id` ties an answer to its question, `handle` names a loaded model. */
export type ToChild =
  | { readonly kind: 'start'; readonly id: number; readonly libraries: Libraries; readonly threads: number }
  | { readonly kind: 'load'; readonly id: number; readonly handle: string; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'run'; readonly id: number; readonly handle: string; readonly sizes: readonly number[] }
  | { readonly kind: 'unload'; readonly id: number; readonly handle: string }
  | { readonly kind: 'ping'; readonly id: number };

/** A loaded model as the child describes it. */
export interface LoadedInfo {
  readonly backend: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** What a child answers; `started` comes right before a run begins, so that the front knows what a crash has cut. */
export type FromChild =
  | { readonly kind: 'started'; readonly id: number }
  | ({ readonly kind: 'loaded'; readonly id: number } & LoadedInfo)
  | { readonly kind: 'ran'; readonly id: number; readonly sizes: readonly number[]; readonly inferMs: number }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };
