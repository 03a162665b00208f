import type { EdgeTpuFigures } from './quantize-model.js';
import type { SwapFigures } from './load.js';
import type { QuantizeReport } from '../quantize-report.js';
import type { RolloutOutcome } from './roll-out.js';

/** Everything that the main job measured; summary.json in its run folder. */
export interface Figures {
  readonly photos: {
    readonly source: string;
    /** True for the photos whose accuracy is known beforehand. */
    readonly known: boolean;
    readonly classes: readonly string[];
    readonly training: number;
    readonly validation: number;
    readonly heldOut: number;
  };
  readonly training: {
    readonly engine: string;
    readonly parameters: number;
    readonly images: number;
    /** One an epoch, 0..1. */
    readonly validationAccuracy: readonly number[];
    readonly imagesPerSecond: number;
  };
  readonly quantization: Pick<QuantizeReport, 'sizeBytes' | 'floatSizeBytes' | 'eval'>;
  readonly edgeTpu: EdgeTpuFigures;
  readonly nodes: number;
  readonly first: RolloutOutcome;
  readonly swap: RolloutOutcome;
  readonly load: SwapFigures & { readonly clients: number };
  /** Largest difference of a score between v1 and v2 for one photo, 0..1. */
  readonly scoreDifference: number;
  readonly wrong: RolloutOutcome;
  readonly slow: RolloutOutcome;
  /** Versions that the nodes serve at the end. */
  readonly versionsAtEnd: readonly number[];
  /** Requests of the whole job and those that failed. */
  readonly requests: number;
  readonly failedRequests: number;
  readonly seconds: number;
}
