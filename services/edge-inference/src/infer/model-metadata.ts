import type { TensorSpec } from '@atoll/runtime/model';
import type { SwapManager } from '../swap/manager.js';
import type { VersionTarget } from '../swap/target.js';
import { datatypeOf } from './tensors.js';

/** The kind of model that this node serves, as Triton's clients know it. */
export const platform = 'tensorflow_lite';

/** What goes into and out of a model, in the words of the Open Inference Protocol. */
export interface ModelMetadata {
  readonly name: string;
  /** Every version that is loaded, in decimal. */
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** A tensor at the edge of a model. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** The metadata of a version; NOT_FOUND when this node does not have it. */
export function modelMetadata(manager: SwapManager, name: string, target: VersionTarget): ModelMetadata {
  const { info } = manager.find(name, target);
  const versions = manager.versions().filter(({ served }) => served.pkg.model === name);
  return {
    name,
    versions: versions.map(({ served }) => String(served.pkg.version)),
    platform,
    inputs: info.inputs.map(tensorMetadata),
    outputs: info.outputs.map(tensorMetadata),
  };
}

function tensorMetadata({ name, dtype, shape }: TensorSpec): TensorMetadata {
  return { name, datatype: datatypeOf(dtype), shape };
}
