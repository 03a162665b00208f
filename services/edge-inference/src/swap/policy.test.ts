import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextAction } from './policy.js';
import type { SwapAction, VersionSnapshot, VersionState } from './state.js';

/** "2+ ready" is version 2, aspired, ready; "1 ready" is version 1, not aspired. */
function parse(line: string): VersionSnapshot[] {
  return line === ''
    ? []
    : line.split(', ').map((text) => {
        const [name = '', state = ''] = text.split(' ');
        return { version: BigInt(name.replace('+', '')), aspired: name.endsWith('+'), state: state as VersionState };
      });
}

const load = (version: bigint): SwapAction => ({ kind: 'load', version });
const unload = (version: bigint): SwapAction => ({ kind: 'unload', version });
const none: SwapAction = { kind: 'none' };

const table: readonly (readonly [why: string, versions: string, action: SwapAction])[] = [
  ['nothing is known', '', none],
  ['the first version is loaded', '1+ wanted', load(1n)],
  ['all is as aspired', '1+ ready', none],
  ['the new one is loaded beside the old', '1 ready, 2+ wanted', load(2n)],
  ['the old one stays while the new one loads', '1 ready, 2+ loading', none],
  ['the old one stays when the new one could not be loaded', '1 ready, 2+ gone', none],
  ['the old one leaves once the new one is ready', '1 ready, 2+ ready', unload(1n)],
  ['a drain under way ends first', '1 draining, 2+ ready', none],
  ['the lowest of several old ones leaves first', '2 ready, 1 ready, 3+ ready', unload(1n)],
  ['several old ones stay while none aspired is ready', '1 ready, 2 ready, 3+ wanted', load(3n)],
  ['going back loads a lower version beside a higher one', '1+ wanted, 2 ready', load(1n)],
  ['going back lets the higher version leave', '1+ ready, 2 ready', unload(2n)],
  ['the highest of several aspired ones is loaded first', '1+ wanted, 3+ wanted, 2+ wanted', load(3n)],
  ['further aspired ones are loaded once nothing is left to unload', '2+ wanted, 3+ ready', load(2n)],
  ['unloading comes before further loading', '1 ready, 2+ wanted, 3+ ready', unload(1n)],
  ['a model that is no longer aspired at all is unloaded', '1 ready', unload(1n)],
  ['what is neither aspired nor loaded needs nothing', '1 gone, 2 wanted', none],
];

const resourceTable: typeof table = [
  ['nothing is known', '', none],
  ['the first version is loaded', '1+ wanted', load(1n)],
  ['all is as aspired', '1+ ready', none],
  ['the old one leaves before the new one is loaded', '1 ready, 2+ wanted', unload(1n)],
  ['a drain under way ends first', '1 draining, 2+ wanted', none],
  ['the new one is loaded once the old one is gone', '1 gone, 2+ wanted', load(2n)],
  ['the old one is loaded again once the new one has failed', '1+ wanted, 2 gone', load(1n)],
  ['all of several old ones leave first, the lowest first', '2 ready, 1 ready, 3+ wanted', unload(1n)],
  ['going back makes room too', '1+ wanted, 2 ready', unload(2n)],
  ['the highest of several aspired ones is loaded first', '1+ wanted, 2+ wanted', load(2n)],
  ['a model that is no longer aspired at all is unloaded', '1 ready', unload(1n)],
];

describe('nextAction()', () => {
  for (const [why, versions, action] of table) {
    test(`availability-preserving: ${why}: ${versions}`, () => assert.deepEqual(nextAction(parse(versions)), action));
  }
  for (const [why, versions, action] of resourceTable) {
    test(`resource-preserving: ${why}: ${versions}`, () =>
      assert.deepEqual(nextAction(parse(versions), 'resource-preserving'), action));
  }
});
