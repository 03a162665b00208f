/** What parent and child of a training tell each other. */
import type { LabelledPhoto, Photo, SkippedPhoto } from '../dataset/photo.js';
import type { TrainingSettings } from './settings.js';

/** A photo with the file that holds its bytes, which the child only reads. */
export type Stored<P extends Photo> = P & { readonly file: string };

/** What the child has to do. */
export interface TrainingTask {
  /** An empty folder of the child's own; results go to `run/` in it. */
  readonly workFolder: string;
  readonly classes: readonly string[];
  readonly dataset: readonly Stored<LabelledPhoto>[];
  /** Null: a share of the data set validates. */
  readonly validation: readonly Stored<LabelledPhoto>[] | null;
  readonly test: readonly Stored<Photo>[] | null;
  readonly settings: TrainingSettings;
}

/** What happens on the way. */
export type TrainingEvent = DatasetEvent | ProgressEvent | EpochEvent | WarningEvent;

/** The data are decoded and split. */
export interface DatasetEvent {
  readonly kind: 'dataset';
  readonly dataVersion: string;
  readonly classes: readonly string[];
  readonly trainingImages: number;
  readonly validationImages: number;
  readonly testImages: number;
  readonly skipped: readonly SkippedPhoto[];
  readonly engine: string;
  readonly parameters: number;
}

/** About once a second within an epoch; loss and accuracy are running means of the epoch. */
export interface ProgressEvent {
  readonly kind: 'progress';
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly etaSeconds: number;
}

/** What one epoch brought; an entry of history.json. */
export interface EpochRecord {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  /** Validation included. */
  readonly seconds: number;
  /** Training photos a second. */
  readonly imagesPerSecond: number;
}

/** The end of an epoch. */
export interface EpochEvent extends EpochRecord {
  readonly kind: 'epoch';
}

/** Something to look at that does not end the training. */
export interface WarningEvent {
  readonly kind: 'warning';
  readonly message: string;
}

/** What the child leaves: paths below `run/` in its folder, forward slashes. */
export interface TrainingOutput {
  readonly files: readonly string[];
}
