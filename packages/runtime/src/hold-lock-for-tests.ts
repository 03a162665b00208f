// A process that tries to take a device, tells its parent how that went, and keeps it until the parent ends it.
import { reasonOf } from '@atoll/base/error';
import { lockDevice } from './device-lock.js';

let said = 'held';
try {
  lockDevice(process.argv[2] ?? '');
} catch (error) {
  said = reasonOf(error);
}
// It lives as long as it listens.
process.on('message', () => undefined);
process.send?.(said);
