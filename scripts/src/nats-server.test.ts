import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { natsVersionFault } from './nats-server.js';

describe('natsVersionFault', () => {
  const rows: readonly (readonly [string, RegExp | undefined])[] = [
    ['nats-server: v2.15.1', undefined],
    ['nats-server: v2.12.0\n', undefined],
    ['nats-server: v3.0.0', undefined],
    ['nats-server: v2.11.6', /v2\.11\.6, and below v2\.12/],
    ['nats-server: v1.99.0', /v1\.99\.0/],
    ['something else', /does not say its version/],
  ];
  for (const [answer, reason] of rows) {
    it(`${JSON.stringify(answer)} is ${reason === undefined ? 'taken' : 'refused with the reason'}`, () => {
      const fault = natsVersionFault(answer);
      if (reason === undefined) assert.equal(fault, undefined);
      else assert.match(fault ?? '', reason);
    });
  }
});
