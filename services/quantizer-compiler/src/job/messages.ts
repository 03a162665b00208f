/** What parent and child of a compiler's job tell each other. */
import type { CompilerOptions } from '@atoll/edgetpu/compiler-options';
import type { Lineage } from '../cache/lineage.js';
import type { QuantizeMode } from '../quantize/modes.js';
import type { BorderType } from '../quantize/borders.js';
import type { PixelRange } from '../quantize/params.js';
import type { RangeChoice } from '../quantize/plan-quantization.js';
import type { StageName } from '../stages.js';

/** A file in the store, which the child only reads. */
export interface StoredFile {
  readonly name: string;
  readonly file: string;
}

/** A photo in the store; `label` is its class folder, or null. */
export interface StoredPhoto {
  readonly path: string;
  readonly label: string | null;
  readonly file: string;
}

/** What all tasks have. */
export interface TaskBase {
  /** A folder of the child's own; results go to `out/` in it. */
  readonly workFolder: string;
  readonly model: readonly StoredFile[];
  readonly lineage: Lineage;
}

/** A float .tflite. */
export interface ConvertJob extends TaskBase {
  readonly kind: 'convert';
}

/** A quantized .tflite with its report. */
export interface QuantizeJob extends TaskBase {
  readonly kind: 'quantize';
  readonly mode: QuantizeMode;
  /** Whether a page for people is wanted too. */
  readonly page: boolean;
  readonly photos: readonly StoredPhoto[];
  /** Photos to choose by, which are not calibrated on. */
  readonly heldOut: readonly StoredPhoto[];
  readonly evalPhotos: readonly StoredPhoto[];
  readonly labels: readonly string[];
  readonly pixels: PixelRange;
  readonly ranges: RangeChoice;
  readonly inputType: BorderType;
  readonly outputType: BorderType;
  readonly libraries: { readonly liteRt: string; readonly tfLite: string };
}

/** An Edge TPU build or plan. */
export interface CompileJob extends TaskBase {
  readonly kind: 'compile';
  readonly compiler: string | null;
  readonly options: CompilerOptions;
  readonly timeoutMs: number;
}

/** A description of one file; it leaves nothing. */
export interface InspectJob {
  readonly kind: 'inspect';
  readonly model: StoredFile;
}

/** The description: a document, and text for people. */
export interface InspectOutput {
  readonly json: string;
  readonly text: string;
}

/** What the child of a job has to do. */
export type CompilerTask = ConvertJob | QuantizeJob | CompileJob;

/** A task that is still without a folder. */
export type AskedTask =
  Omit<ConvertJob, 'workFolder'> | Omit<QuantizeJob, 'workFolder'> | Omit<CompileJob, 'workFolder'>;

/** What happens on the way. */
export type CompilerEvent =
  | { readonly kind: 'stage'; readonly stage: StageName; readonly done: number; readonly total: number }
  | { readonly kind: 'warning'; readonly message: string }
  /** The result of an identical request is given, and nothing is worked. */
  | { readonly kind: 'kept' };

/** What the child leaves: names of files in `out/`. */
export interface CompilerOutput {
  readonly files: readonly string[];
  /** False for a result that another try may better. */
  readonly lasting: boolean;
}
