import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { createRowProof, type RowProof } from './row-proof.js';

const patient = new AbortController().signal;

/** A row whose parts and answers the test decides, and what it was told. */
function row() {
  const state = {
    there: true,
    faultOfParts: undefined as string | undefined,
    answer: async (): Promise<void> => undefined,
  };
  const seen = { tries: 0, told: [] as (string | undefined)[] };
  const proof: RowProof = createRowProof({
    handle: 'm',
    isThere: () => state.there,
    faultOfParts: () => state.faultOfParts,
    async prove() {
      seen.tries++;
      await state.answer();
    },
    onTried: (fault) => void seen.told.push(fault),
  });
  return { state, seen, proof };
}

describe('the proof of a row', () => {
  test('holds from the start, and again only after the row was tried', async () => {
    const { proof, seen } = row();
    await proof.whole(patient);
    assert.deepEqual([proof.holds, seen.tries], [true, 0]);
    proof.doubt();
    assert.equal(proof.holds, false);
    await proof.whole(patient);
    assert.deepEqual([proof.holds, seen.tries, seen.told], [true, 1, [undefined]]);
  });

  test('is not tried while a part is away; whoever waits goes on once it is back, or told why it will not be', async () => {
    const { proof, state, seen } = row();
    state.there = false;
    proof.doubt();
    const waiting = [proof.whole(patient), proof.whole(patient)];
    proof.look();
    assert.equal(seen.tries, 0);
    state.there = true;
    proof.look();
    await Promise.all(waiting);
    assert.equal(seen.tries, 1);
    state.there = false;
    const refused = proof.whole(patient);
    state.faultOfParts = 'none is plugged in';
    proof.look();
    await assert.rejects(refused, { code: 'UNAVAILABLE', message: 'cannot run m: none is plugged in' });
  });

  test('that failed stays off with the reason, and is tried again by itself', async () => {
    const { proof, state, seen } = row();
    state.answer = () => Promise.reject(new Error('all elements are off'));
    proof.doubt();
    await assert.rejects(proof.whole(patient), { code: 'UNAVAILABLE', message: 'cannot run m: all elements are off' });
    proof.look();
    assert.deepEqual([proof.holds, proof.fault, seen.tries], [false, 'all elements are off', 1]);
    state.answer = async () => undefined;
    await eventually(() => assert.equal(proof.holds, true));
    assert.deepEqual([proof.fault, seen.told], [undefined, ['all elements are off', undefined]]);
  });

  test('a part that is loaded again while the row is tried has it tried once more, and its failure is no fault', async () => {
    for (const outcome of [(): void => undefined, (): void => assert.fail('the part went away')]) {
      const { proof, state, seen } = row();
      state.answer = async () => {
        state.answer = async () => undefined;
        proof.doubt();
        outcome();
      };
      proof.doubt();
      await proof.whole(patient);
      assert.deepEqual([proof.holds, proof.fault, seen.tries], [true, undefined, 2]);
    }
  });

  test('lets a caller go who goes away, and everybody when the model is closed', async () => {
    const { proof, state } = row();
    state.there = false;
    const leaving = new AbortController();
    const left = proof.whole(leaving.signal);
    const waiting = proof.whole(patient);
    leaving.abort();
    await assert.rejects(left, { code: 'CANCELLED' });
    proof.stop();
    await assert.rejects(waiting, { code: 'UNAVAILABLE', message: 'cannot run m: it is closed' });
  });
});
