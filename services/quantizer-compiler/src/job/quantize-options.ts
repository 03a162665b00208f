// Decides what the words of a quantization's request mean together: every empty one gets its default, and a combination that
// could only disappoint is refused, as users of TensorFlow's converter know it:
//   full-integer    photos are needed; input and output may be uint8 (default), int8 or float32.
//   dynamic-range   nothing is calibrated, so a choice of ranges means nothing; input and output are float32.
//   float16         likewise.
import { AtollError } from '@atoll/base/error';
import { nearestName } from '@atoll/base/nearest';
import type { QuantizeTask } from '@atoll/proto/atoll/v1/quantizer';
import { type QuantizeMode, quantizeModes } from '../quantize/modes.js';
import { type PixelRange, pixelRanges } from '../quantize/params.js';
import { type RangeChoice, rangeChoices } from '../quantize/plan-quantization.js';
import { type BorderType, borderTypes } from '../quantize/borders.js';

/** The checked words. */
export interface QuantizeOptions {
  readonly mode: QuantizeMode;
  readonly ranges: RangeChoice;
  readonly pixels: PixelRange;
  readonly inputType: BorderType;
  readonly outputType: BorderType;
  /** How many representative photos are used; 0 where nothing is calibrated. */
  readonly samples: number;
}

const defaultSamples = 100;
const maxSamples = 10_000;

/** Checks the words of a request; INVALID_ARGUMENT names the one that is wrong. */
export function quantizeOptions(task: QuantizeTask): QuantizeOptions {
  const mode = word('mode', task.mode, quantizeModes);
  const pixels = word('pixels', task.pixels, pixelRanges);
  const ranges = word('ranges', task.ranges, rangeChoices);
  const inputType = border('input type', task.inputType, mode);
  const outputType = border('output type', task.outputType, mode);
  if (mode !== 'full-integer') {
    if (task.ranges !== '') {
      throw refused(`cannot choose ranges by ${task.ranges} in mode ${mode}: its activations stay float`);
    }
    return { mode, ranges, pixels, inputType, outputType, samples: 0 };
  }
  const samples = task.samples || defaultSamples;
  if (samples > maxSamples) {
    throw refused(`cannot calibrate on ${samples} photos: ${maxSamples} are the most`);
  }
  if (task.datasetSha256 === '') throw refused('cannot calibrate: there are no representative photos');
  return { mode, ranges, pixels, inputType, outputType, samples };
}

function border(what: string, given: string, mode: QuantizeMode): BorderType {
  if (mode === 'full-integer') return word(what, given, borderTypes);
  const type = word(what, given === '' ? 'float32' : given, borderTypes);
  if (type === 'float32') return type;
  throw refused(`cannot quantize with ${what} ${type} in mode ${mode}: there it is float32`);
}

/** A word of a closed set; empty means the first. */
function word<const W extends string>(what: string, given: string, words: readonly W[]): W {
  const [first] = words;
  const found = given === '' ? first : words.find((one) => one === given);
  if (found !== undefined) return found;
  const near = nearestName(given, words);
  const hint = near === undefined ? `one of ${words.join(', ')} is needed` : `did you mean ${near}?`;
  throw refused(`cannot quantize with ${what} ${JSON.stringify(given.slice(0, 80))}: ${hint}`);
}

function refused(message: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', message);
}
