import { basename } from 'node:path';
import type { TensorSpec } from '@atoll/runtime/model';
import type { ServedVersion } from '../swap/served-version.js';
import { platform } from './model-metadata.js';
import { datatypeOf } from './tensors.js';

/** What of Triton's model configuration a node can fill, in its words; whatever is missing is unset there. */
export interface ModelConfigFacts {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  /** 0: requests are not batched and shapes are whole. */
  readonly maxBatchSize: number;
  readonly version: bigint;
  readonly inputs: readonly TensorConfig[];
  readonly outputs: readonly TensorConfig[];
  readonly instances: { readonly kind: 'KIND_CPU' | 'KIND_MODEL'; readonly count: number };
  readonly defaultModelFilename: string;
  /** What only Atoll knows: where it runs, what it was released as, and how its quantized tensors are to be read. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A tensor; dataType is TYPE_UINT8 and so on. */
export interface TensorConfig {
  readonly name: string;
  readonly dataType: string;
  readonly dims: readonly number[];
}

/** How a version is set up on a node with this many slots. */
export function modelConfigOf({ pkg, info }: Pick<ServedVersion, 'pkg' | 'info'>, slots: number): ModelConfigFacts {
  const quantized = [...info.inputs, ...info.outputs].filter(({ scale }) => scale !== null);
  return {
    name: pkg.model,
    platform,
    backend: 'atoll',
    maxBatchSize: 0,
    version: pkg.version,
    inputs: info.inputs.map(tensorConfig),
    outputs: info.outputs.map(tensorConfig),
    instances: { kind: info.device === 'cpu' ? 'KIND_CPU' : 'KIND_MODEL', count: slots },
    defaultModelFilename: basename(pkg.files[0]?.path ?? ''),
    parameters: {
      runtime: info.backend,
      device: info.device,
      ...(pkg.manifestSha256 === '' ? {} : { manifest_sha256: pkg.manifestSha256 }),
      ...Object.fromEntries(
        quantized.map(({ name, scale, zeroPoint }) => [
          `quantization:${name}`,
          JSON.stringify({ scale, zero_point: zeroPoint }),
        ]),
      ),
    },
  };
}

function tensorConfig({ name, dtype, shape }: TensorSpec): TensorConfig {
  return { name, dataType: `TYPE_${datatypeOf(dtype)}`, dims: shape };
}
