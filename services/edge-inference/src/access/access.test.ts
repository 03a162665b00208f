import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tokens } from '@atoll/rpc/token';
import { parseTokens } from '@atoll/rpc/token';
import type { Access } from './access.js';
import { accessOf, letIn } from './access.js';
import { noSecurity, openToNetwork, tlsFilesOf } from './security-config.js';

const tokens: Tokens = parseTokens('tokens', 'camera user-secret');
const adminTokens: Tokens = parseTokens('admins', 'ops admin-secret');
const lists = {
  none: { tokens: undefined, adminTokens: undefined },
  users: { tokens, adminTokens: undefined },
  admins: { tokens: undefined, adminTokens },
  both: { tokens, adminTokens },
};
const [user, admin, wrong, nothing] = ['Bearer user-secret', 'Bearer admin-secret', 'Bearer other', undefined];
const noToken = 'UNAUTHENTICATED';

const cases: readonly (readonly [keyof typeof lists, Access, string | undefined, string | undefined])[] = [
  ['none', 'use', nothing, undefined],
  ['none', 'control', nothing, undefined],
  ['users', 'use', nothing, noToken],
  ['users', 'use', wrong, noToken],
  ['users', 'use', user, 'camera'],
  ['users', 'control', user, 'camera'],
  ['users', 'control', nothing, noToken],
  ['admins', 'use', nothing, undefined],
  ['admins', 'control', nothing, noToken],
  ['admins', 'control', wrong, noToken],
  ['admins', 'control', admin, 'ops'],
  ['both', 'use', nothing, noToken],
  ['both', 'use', user, 'camera'],
  ['both', 'use', admin, 'ops'],
  ['both', 'control', user, 'PERMISSION_DENIED'],
  ['both', 'control', admin, 'ops'],
  ['both', 'control', wrong, noToken],
];
for (const [name, access, header, expected] of cases) {
  test(`letIn with lists ${name}: ${access} by ${header ?? 'nobody'} is ${expected ?? 'open'}`, () => {
    const ask = (): string | undefined => letIn(header, access, lists[name]);
    if (expected === noToken || expected === 'PERMISSION_DENIED') assert.throws(ask, { code: expected });
    else assert.equal(ask(), expected);
  });
}

test('accessOf: what is not known to use or to tell controls', () => {
  const paths = ['ModelInfer', 'ModelReady', 'RepositoryModelLoad', 'UnloadModel', 'WhateverComes'];
  assert.deepEqual(
    paths.map((method) => accessOf(`/inference.GRPCInferenceService/${method}`)),
    ['use', undefined, 'control', 'control', 'control'],
  );
});

const files = { certificate: 'c', key: 'k', clientCa: undefined };
test('tlsFilesOf wants a certificate and its key, or neither', () => {
  assert.equal(tlsFilesOf(noSecurity), undefined);
  assert.deepEqual(tlsFilesOf({ ...noSecurity, ...files }), files);
  for (const part of [{ certificate: 'c' }, { key: 'k' }, { clientCa: 'a' }])
    assert.throws(() => tlsFilesOf({ ...noSecurity, ...part }), {
      code: 'INVALID_ARGUMENT',
      message: /^cannot serve TLS /,
    });
});

test('openToNetwork warns of what is beyond the loopback without TLS or without anybody being asked for', () => {
  for (const listen of ['127.0.0.1:1', 'localhost:1', '[::1]:1', 'unix:/x'])
    assert.equal(openToNetwork(listen, noSecurity), undefined, listen);
  const warning = 'anybody who reaches 0.0.0.0:1 may call';
  const open = 'with neither token nor client certificate';
  assert.equal(openToNetwork('0.0.0.0:1', noSecurity), `${warning} without TLS and ${open}`);
  assert.equal(openToNetwork('0.0.0.0:1', { ...noSecurity, ...files }), `${warning} ${open}`);
  assert.equal(openToNetwork('0.0.0.0:1', { ...noSecurity, tokenFile: 't' }), `${warning} without TLS`);
  assert.equal(openToNetwork('node:1', { ...noSecurity, ...files, tokenFile: 't' }), undefined);
});
