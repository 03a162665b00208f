import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPair, keyId, publicKeyPem } from '@atoll/release/keys';
import { parseEnrolment, readEnrolment } from './enrolment.js';

const { publicKey } = generateKeyPair();
const pem = publicKeyPem(publicKey);

test('parseEnrolment reads ids, keys and labels', () => {
  const [node, ...rest] = parseEnrolment(JSON.stringify([{ id: 'node-1', publicKey: pem, labels: { site: 'x' } }]));
  assert.deepEqual([node?.id, node?.labels, rest], ['node-1', { site: 'x' }, []]);
  assert.equal(node && keyId(node.publicKey), keyId(publicKey));
});

const refused: readonly (readonly [fault: RegExp, json: unknown])[] = [
  [/not a JSON array/, {}],
  [/entry 0: it is not an object/, [1]],
  [/entry 0: it has no id/, [{ publicKey: pem }]],
  [/entry 1: it has no publicKey/, [{ id: 'a', publicKey: pem }, { id: 'b' }]],
  [/entry 0: cannot use node id "a.b"/, [{ id: 'a.b', publicKey: pem }]],
  [/entry 0: cannot use the public key/, [{ id: 'a', publicKey: 'x' }]],
  [/entry 0: label site is not a text/, [{ id: 'a', publicKey: pem, labels: { site: 1 } }]],
  [
    /node a comes twice/,
    [
      { id: 'a', publicKey: pem },
      { id: 'a', publicKey: pem },
    ],
  ],
];
for (const [fault, json] of refused) {
  test(`parseEnrolment refuses: ${fault.source}`, () => {
    assert.throws(() => parseEnrolment(JSON.stringify(json)), { message: fault });
  });
}

test('readEnrolment of a file that is not there names it', async () => {
  await assert.rejects(readEnrolment('nowhere/nodes.json'), {
    code: 'NOT_FOUND',
    message: 'cannot read the nodes nowhere/nodes.json: there is no such file',
  });
});
