import type { LoadedModel } from '@atoll/runtime/model';

/** The stages of a compilation, in order. */
export const stageNames = [
  'import',
  'verify',
  'passes',
  'calibrate',
  'plan',
  'quantize',
  'write',
  'edgetpu',
  'report',
] as const;

/** One of the stages. */
export type StageName = (typeof stageNames)[number];

/** How the compiler reaches the world. */
export interface CompilePorts {
  readonly signal: AbortSignal;
  /** Milliseconds that only rise. */
  nowMs(): number;
  openModel(bytes: Uint8Array): Promise<LoadedModel>;
  /** A stage began, or moved on to `done` of `total` photos. */
  onStage(stage: StageName, done?: number, total?: number): void;
  onWarning(message: string): void;
  /** The graph after a stage or pass, printed only when asked for. */
  onGraph?(stage: string, print: () => string): void;
}
