import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createLogger, silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { makeAuthority, makeCertificate, opensslMissing } from './certificates-for-tests.js';
import { type ChannelSecurity, openChannel } from './channel.js';
import { bindService } from './handlers.js';
import { type RunningServer, startServer } from './server.js';
import { watchTls } from './tls.js';

describe('a server with TLS', { skip: await opensslMissing(), timeout: 60_000 }, () => {
  let folder: string;
  const path = (file: string): string => join(folder, file);
  const pem = (file: string): Promise<Buffer> => readFile(path(file));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-tls-'));
    for (const authority of ['house', 'stranger']) await makeAuthority(folder, authority);
    await makeCertificate(folder, 'node', 'house');
    await makeCertificate(folder, 'camera', 'house');
    await makeCertificate(folder, 'thief', 'stranger');
    await makeCertificate(folder, 'other-node', 'stranger');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A server that answers with the identity of the caller. */
  const serve = async (clientCa: string | undefined): Promise<{ server: RunningServer; look: () => Promise<void> }> => {
    await copyFile(path('node.pem'), path('server.pem'));
    await copyFile(path('node.key'), path('server.key'));
    const files = { certificate: path('server.pem'), key: path('server.key'), clientCa };
    const tls = await watchTls(files, silentLogger);
    const service = bindService(BlobServiceService, {
      findMissing: async (_request, { identity }) => ({ missingSha256: [String(identity)] }),
      put: () => Promise.reject(new Error('not in this test')),
      get: () => {
        throw new Error('not in this test');
      },
    });
    const server = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger, tls });
    after(async () => {
      tls.stop();
      await server.stop();
    });
    return { server, look: tls.look };
  };
  const ask = async (server: RunningServer, security: ChannelSecurity): Promise<string> => {
    const channel = openChannel(server.address, security);
    try {
      const answer = await channel
        .client(BlobServiceService)
        .findMissing({ sha256: [] }, { timeoutMs: 5_000 })
        .catch((error: { code: string }) => ({ missingSha256: [error.code] }));
      return answer.missingSha256.join();
    } finally {
      channel.close();
    }
  };

  test('answers who trusts its authority, and nobody else: neither plain text nor another authority', async () => {
    const { server } = await serve(undefined);
    assert.equal(await ask(server, { ca: await pem('house.pem') }), 'undefined');
    assert.equal(await ask(server, { ca: await pem('stranger.pem') }), 'UNAVAILABLE');
    assert.equal(await ask(server, {}), 'UNAVAILABLE');
  });

  test('with a client authority lets in its certificates alone, and knows their names', async () => {
    const { server } = await serve(path('house.pem'));
    const ca = await pem('house.pem');
    const own = async (name: string): Promise<ChannelSecurity> => ({
      ca,
      cert: await pem(`${name}.pem`),
      key: await pem(`${name}.key`),
    });
    assert.equal(await ask(server, await own('camera')), 'camera');
    assert.equal(await ask(server, await own('thief')), 'UNAVAILABLE');
    assert.equal(await ask(server, { ca }), 'UNAVAILABLE');
  });

  test('uses new files for new connections, keeps those that are open, and keeps the old ones while the new do not fit', async () => {
    const { server, look } = await serve(undefined);
    const kept = openChannel(server.address, { ca: await pem('house.pem') });
    after(() => kept.close());
    await kept.client(BlobServiceService).findMissing({ sha256: [] });
    await copyFile(path('other-node.pem'), path('server.pem'));
    await look();
    assert.equal(await ask(server, { ca: await pem('house.pem') }), 'undefined', 'a certificate without its key');
    await copyFile(path('other-node.key'), path('server.key'));
    await look();
    assert.equal(await ask(server, { ca: await pem('stranger.pem') }), 'undefined');
    assert.equal(await ask(server, { ca: await pem('house.pem') }), 'UNAVAILABLE');
    await kept.client(BlobServiceService).findMissing({ sha256: [] });
  });

  test('does not start with what is no certificate, or is not there, and says which file', async () => {
    await writeFile(path('junk.pem'), 'junk');
    const log = createLogger({ service: 'test', write: () => undefined });
    const junk = { certificate: path('junk.pem'), key: path('node.key'), clientCa: undefined };
    await assert.rejects(watchTls(junk, log), {
      code: 'FAILED_PRECONDITION',
      message: /^cannot use .*junk\.pem.* for TLS: /,
    });
    const away = { certificate: path('away.pem'), key: path('node.key'), clientCa: undefined };
    await assert.rejects(watchTls(away, log), { message: `cannot read ${path('away.pem')}: it does not exist` });
    const mixed = { certificate: path('node.pem'), key: path('thief.key'), clientCa: undefined };
    await assert.rejects(watchTls(mixed, log), { code: 'FAILED_PRECONDITION' });
  });
});
