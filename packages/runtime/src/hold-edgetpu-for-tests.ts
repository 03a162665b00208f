// A process that tries to hold an Edge TPU and tells its parent how that went.
import { reasonOf } from '@atoll/base/error';
import { holdEdgeTpu } from './edgetpu.js';

const [tfLite = '', library = '', device = ''] = process.argv.slice(2);
let said = 'held';
try {
  holdEdgeTpu({ tfLite, library, device });
} catch (error) {
  said = reasonOf(error);
}
process.send?.(said);
