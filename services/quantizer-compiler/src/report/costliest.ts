import type { TensorDetail } from './details.js';

/** A tensor of which it is known how far it is from the float model's. */
export type MeasuredTensor = Pick<TensorDetail, 'name' | 'clipped'> & { readonly sqnrDb: number };

/** Those tensors that were measured. */
export function measured<T extends Pick<TensorDetail, 'sqnrDb'>>(tensors: readonly T[]): (T & { sqnrDb: number })[] {
  return tensors.filter((tensor): tensor is T & { sqnrDb: number } => tensor.sqnrDb !== null);
}

/** The tensor that is farthest from the float model's, the first of several; undefined where nothing was measured. */
export function costliest(
  tensors: readonly Pick<TensorDetail, 'name' | 'sqnrDb' | 'clipped'>[],
): MeasuredTensor | undefined {
  return measured(tensors).reduce<MeasuredTensor | undefined>(
    (worst, tensor) => (worst === undefined || tensor.sqnrDb < worst.sqnrDb ? tensor : worst),
    undefined,
  );
}
