import type { TensorDetail } from './details.js';

/** Those tensors that were measured. */
export function measured<T extends Pick<TensorDetail, 'sqnrDb'>>(tensors: readonly T[]): (T & { sqnrDb: number })[] {
  return tensors.filter((tensor): tensor is T & { sqnrDb: number } => tensor.sqnrDb !== null);
}

/**
 * The tensor that is farthest from the float model's, the first of several; undefined where nothing was measured. Logits whose
 * range was narrowed because their softmax loses nothing by it are far on purpose.
 */
export function costliest<T extends Pick<TensorDetail, 'sqnrDb' | 'method'>>(
  tensors: readonly T[],
): (T & { sqnrDb: number }) | undefined {
  return measured(tensors)
    .filter(({ method }) => method !== 'logits')
    .reduce<(T & { sqnrDb: number }) | undefined>(
      (worst, tensor) => (worst === undefined || tensor.sqnrDb < worst.sqnrDb ? tensor : worst),
      undefined,
    );
}
