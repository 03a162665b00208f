import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeAuthority, makeCertificate, opensslMissing } from '@atoll/rpc/certificates-for-tests';
import { noSecurity } from '../access/security-config.js';
import { nodeUnderTest } from '../node-for-tests.js';
import type { NodeUnderTest } from '../node-for-tests.js';

describe('a node over HTTPS', { skip: await opensslMissing(), timeout: 60_000 }, () => {
  let folder: string;
  let node: NodeUnderTest;
  const path = (file: string): string => join(folder, file);
  const pem = (file: string): Promise<Buffer> => readFile(path(file));
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-https-'));
    for (const authority of ['house', 'stranger']) await makeAuthority(folder, authority);
    for (const name of ['node', 'camera']) await makeCertificate(folder, name, 'house');
    await makeCertificate(folder, 'thief', 'stranger');
    await writeFile(path('tokens'), 'camera user-token-1\n');
    await writeFile(path('admins'), 'admin admin-token-1\n');
    const files = { certificate: path('node.pem'), key: path('node.key'), clientCa: path('house.pem') };
    const tokens = { tokenFile: path('tokens'), adminTokenFile: path('admins') };
    node = await nodeUnderTest({ httpListen: '127.0.0.1:0', security: { ...noSecurity, ...files, ...tokens } });
  });
  after(async () => {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The status, or the code of the error that there was instead. */
  const ask = async (target: string, method: string, options: RequestOptions): Promise<number | string> => {
    const [host = '', port = ''] = (node.running.http ?? '').split(':');
    const sent = httpsRequest({ host, port, path: target, method, agent: false, ...options });
    try {
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode ?? 0;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    }
  };
  const own = async (name: string): Promise<RequestOptions> => ({
    ca: await pem('house.pem'),
    cert: await pem(`${name}.pem`),
    key: await pem(`${name}.key`),
  });

  test('lets in certificates of its clients’ authority and nobody else', async () => {
    assert.equal(await ask('/healthz', 'GET', await own('camera')), 200);
    for (const options of [await own('thief'), { ca: await pem('house.pem') }, { ca: await pem('stranger.pem') }]) {
      assert.equal(typeof (await ask('/healthz', 'GET', options)), 'string');
    }
  });

  test('asks for a token, and for an admin token where it is told to change what serves', async () => {
    const table: readonly (readonly [string, string, token: string | undefined, number])[] = [
      ['/v2/health/live', 'GET', undefined, 200],
      ['/v2', 'GET', undefined, 401],
      ['/v2', 'GET', 'wrong', 401],
      ['/v2', 'GET', 'user-token-1', 200],
      ['/v2', 'GET', 'admin-token-1', 200],
      ['/v2/repository/models/m/load', 'POST', undefined, 401],
      ['/v2/repository/models/m/load', 'POST', 'user-token-1', 403],
      ['/v2/repository/models/m/load', 'POST', 'admin-token-1', 404],
    ];
    for (const [target, method, token, status] of table) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const got = await ask(target, method, { ...(await own('camera')), headers });
      assert.equal(got, status, `${method} ${target} with ${token}`);
    }
  });
});
