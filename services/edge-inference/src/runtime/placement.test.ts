import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Candidate } from './messages.js';
import { noRoute, placeModel } from './placement.js';
import type { Seat } from './placement.js';

/** "edgetpu" or "auto", and "0/2" behind a space for a part. */
const candidate = (text: string): Candidate => {
  const [backend, part] = text.split(' ');
  const [index = 0, count = 0] = (part ?? '').split('/').map(Number);
  return {
    backend: backend === 'edgetpu' ? 'edgetpu' : 'auto',
    path: text,
    sha256: '',
    ...(part === undefined ? {} : { segment: { index, count } }),
  };
};
const seat = (text: string): Seat => ({ device: text === 'cpu' ? undefined : text });

const table: readonly (readonly [files: string, seats: string, loads: string, routes: string])[] = [
  ['auto', 'cpu cpu', '0:auto 1:auto', 'cpu:0,1'],
  ['auto', 'cpu usb:0', '0:auto', 'cpu:0'],
  ['edgetpu, auto', 'cpu', '0:auto', 'cpu:0'],
  ['edgetpu, auto', 'cpu usb:0', '1:edgetpu 0:auto', 'device:0 cpu:1'],
  ['edgetpu, auto', 'cpu cpu usb:0 pci:0', '2:edgetpu 3:edgetpu 0:auto 1:auto', 'device:0,1 cpu:2,3'],
  ['edgetpu', 'cpu usb:0', '1:edgetpu', 'device:0'],
  ['edgetpu', 'cpu', '', ''],
  ['edgetpu 1/2, edgetpu 0/2, auto', 'cpu usb:0', '0:auto', 'cpu:0'],
  ['edgetpu 1/2, edgetpu 0/2', 'cpu usb:0', '', ''],
  ['edgetpu 0/3, edgetpu 2/3, auto', 'cpu a b c', '0:auto', 'cpu:0'],
  [
    'edgetpu 1/2, edgetpu 0/2, edgetpu, auto',
    'cpu usb:0 usb:1 usb:2',
    '1:edgetpu 0/2 2:edgetpu 1/2 1:edgetpu 2:edgetpu 3:edgetpu 0:auto',
    'device>0>1 device:2,3,4 cpu:5',
  ],
  ['auto 0/2, auto 1/2, auto', 'cpu cpu', '0:auto 0/2 1:auto 1/2 0:auto 1:auto', 'cpu>0>1 cpu:2,3'],
  ['auto 0/2, auto 1/2, auto', 'cpu', '0:auto', 'cpu:0'],
];

describe('placeModel()', () => {
  for (const [files, seats, loads, routes] of table) {
    test(`${files} on ${seats}`, () => {
      const plan = placeModel(files.split(', ').map(candidate), seats.split(' ').map(seat));
      assert.equal(plan.loads.map((load) => `${load.seat}:${load.candidates[0]?.path}`).join(' '), loads);
      const told = plan.routes.map(({ kind, on, loads: at }) =>
        kind === 'whole' ? `${on}:${at.join()}` : `${on}>${at.join('>')}`,
      );
      assert.equal(told.join(' '), routes);
    });
  }
});

test('noRoute() says what is missing', () => {
  const of = (files: string, seats: string): string =>
    noRoute(files === '' ? [] : files.split(', ').map(candidate), seats.split(' ').map(seat));
  assert.equal(of('', 'cpu'), 'the package has no file for this node');
  assert.equal(of('edgetpu', 'cpu'), 'its files are for an Edge TPU, and this node has none');
  assert.equal(of('edgetpu 0/2, edgetpu 1/2', 'cpu a'), 'it is cut for 2 devices in a row, and this node has 1');
  assert.equal(of('auto 0/2, auto 1/2', 'cpu a'), 'it is cut for 2 slots in a row, and this node has 1');
  assert.equal(of('auto 0/2', 'cpu cpu'), 'it is cut into 2 parts, and not all of them are there');
});
