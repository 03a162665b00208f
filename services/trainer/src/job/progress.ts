import type { ProgressEvent } from './messages.js';
import type { StepResult } from '../engine/engine.js';

/** How far a training is, gathered step by step; time comes as an argument. */
export interface EpochMeter {
  readonly epoch: number;
  readonly epochs: number;
  readonly steps: number;
  readonly startedMs: number;
  readonly step: number;
  readonly images: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly reportedMs: number;
  readonly reportedImages: number;
}

/** Reports come no faster than this. */
const reportEveryMs = 1_000;

/** The meter at the beginning of an epoch. */
export function startEpoch(epoch: number, epochs: number, steps: number, nowMs: number): EpochMeter {
  return {
    epoch,
    epochs,
    steps,
    startedMs: nowMs,
    step: 0,
    images: 0,
    lossSum: 0,
    correct: 0,
    reportedMs: nowMs,
    reportedImages: 0,
  };
}

/** The meter after a step over `count` photos. */
export function afterStep(meter: EpochMeter, result: StepResult, count: number): EpochMeter {
  return {
    ...meter,
    step: meter.step + 1,
    images: meter.images + count,
    lossSum: meter.lossSum + result.loss * count,
    correct: meter.correct + result.correct,
  };
}

/** A report when one is due, and the meter after it. The ETA counts the steps left at the rate of this epoch. */
export function reportIfDue(meter: EpochMeter, nowMs: number): { meter: EpochMeter; report: ProgressEvent | null } {
  if (nowMs - meter.reportedMs < reportEveryMs) return { meter, report: null };
  const stepsLeft = meter.steps - meter.step + (meter.epochs - meter.epoch) * meter.steps;
  const report: ProgressEvent = {
    kind: 'progress',
    epoch: meter.epoch,
    epochs: meter.epochs,
    step: meter.step,
    steps: meter.steps,
    imagesPerSecond: ((meter.images - meter.reportedImages) * 1000) / (nowMs - meter.reportedMs),
    loss: meter.lossSum / meter.images,
    accuracy: meter.correct / meter.images,
    etaSeconds: (stepsLeft * (nowMs - meter.startedMs)) / meter.step / 1000,
  };
  return { meter: { ...meter, reportedMs: nowMs, reportedImages: meter.images }, report };
}
