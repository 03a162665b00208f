import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { toAtollError } from '@atoll/base/error';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { makeAuthority, makeCertificate, opensslMissing } from '@atoll/rpc/certificates-for-tests';
import type { ChannelSecurity } from '@atoll/rpc/channel';
import { inferOnce, type ServingNode, startServingNode, tinyModel, tinyRequest } from './serving-node.js';

/** One who asks a node by both protocols, each over one connection. */
interface Caller {
  /** OK, or the code of the error. */
  grpc(what?: 'infer' | 'unload'): Promise<string>;
  /** The status, or the code of the error that there was instead. */
  https(what?: 'infer' | 'unload'): Promise<number | string>;
}

const absent = 'absent';

describe('a node that is one process', { skip: await opensslMissing(), timeout: 90_000 }, () => {
  let folder: string;
  const path = (file: string): string => join(folder, file);
  const certificates = (): Record<string, string> => ({
    ATOLL_EDGE_INFERENCE_TLS_CERT: path('node.pem'),
    ATOLL_EDGE_INFERENCE_TLS_KEY: path('node.key'),
    ATOLL_EDGE_INFERENCE_TLS_CLIENT_CA: path('house.pem'),
  });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-who-may-call-'));
    for (const authority of ['house', 'stranger']) await makeAuthority(folder, authority);
    for (const name of ['node', 'camera', 'robot']) await makeCertificate(folder, name, 'house');
    await makeCertificate(folder, 'thief', 'stranger');
    await writeFile(path('tokens'), 'camera user-token-1\n');
    await writeFile(path('admins'), 'admin admin-token-1\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Trusts `authority`, and shows the certificate and the token of these names, where there are any. */
  const callerOf = async (node: ServingNode, certificate?: string, token?: string, authority = 'house') => {
    const pem = (file: string): Promise<Buffer> => readFile(path(file));
    const own =
      certificate === undefined ? {} : { cert: await pem(`${certificate}.pem`), key: await pem(`${certificate}.key`) };
    const security = { ca: await pem(`${authority}.pem`), ...own, ...(token === undefined ? {} : { token }) };
    return asking(node, security);
  };

  describe('with mutual TLS and tokens', () => {
    let node: ServingNode;
    before(async () => {
      node = await startServingNode({
        ...certificates(),
        ATOLL_EDGE_INFERENCE_TOKEN_FILE: path('tokens'),
        ATOLL_EDGE_INFERENCE_ADMIN_TOKEN_FILE: path('admins'),
      });
    });
    after(() => node.stop());

    test('lets nobody in without a certificate of the clients’ authority, whatever his token', async () => {
      for (const certificate of [undefined, 'thief']) {
        const caller = await callerOf(node, certificate, 'user-token-1');
        assert.equal(await caller.grpc(), 'UNAVAILABLE', `gRPC with ${certificate}`);
        assert.equal(typeof (await caller.https()), 'string', `HTTPS with ${certificate}`);
      }
    });

    test('is no node to a client that trusts another authority, nor to one in plain text', async () => {
      const distrustful = await callerOf(node, 'camera', 'user-token-1', 'stranger');
      assert.equal(await distrustful.grpc(), 'UNAVAILABLE');
      assert.equal(typeof (await distrustful.https()), 'string');
      assert.equal(await asking(node, { token: 'user-token-1' }).grpc(), 'UNAVAILABLE');
      await assert.rejects(fetch(node.http.replace('https', 'http')));
    });

    for (const [token, code, status] of [
      [undefined, 'UNAUTHENTICATED', 401],
      ['wrong', 'UNAUTHENTICATED', 401],
      ['user-token-1', 'OK', 200],
      ['admin-token-1', 'OK', 200],
    ] as const) {
      test(`with the right certificate and ${token ?? 'no token'} answers ${code} and ${status}`, async () => {
        const caller = await callerOf(node, 'camera', token);
        assert.equal(await caller.grpc(), code);
        assert.equal(await caller.https(), status);
      });
    }

    test('lets an admin’s token alone change what serves', async () => {
      const user = await callerOf(node, 'camera', 'user-token-1');
      assert.equal(await user.grpc('unload'), 'PERMISSION_DENIED');
      assert.equal(await user.https('unload'), 403);
      // Let in, they are told that there is no such model.
      const admin = await callerOf(node, 'camera', 'admin-token-1');
      assert.equal(await admin.grpc('unload'), 'NOT_FOUND');
      assert.equal(await admin.https('unload'), 404);
    });
  });

  test('shares its turns between the names of certificates: who floods it refuses his own requests alone', async () => {
    const node = await startServingNode({
      ...certificates(),
      ATOLL_EDGE_INFERENCE_SLOTS: '1',
      ATOLL_EDGE_INFERENCE_QUEUE_LIMIT: '4',
    });
    try {
      const [camera, robot] = [await callerOf(node, 'camera'), await callerOf(node, 'robot')];
      const flood = { over: false, refused: 0, others: new Set<number | string>() };
      const floods = Array.from({ length: 16 }, async (_, i) => {
        while (!flood.over) {
          const got = await (i % 2 === 0 ? camera.grpc() : camera.https());
          if (got === 'RESOURCE_EXHAUSTED' || got === 429) flood.refused++;
          else flood.others.add(got);
        }
      });
      const seen = new Set<number | string>();
      try {
        // By host, all would be one client, and a newcomer to a full line would be refused.
        for (let asked = 0; asked < 20 || (flood.refused < 100 && asked < 400); asked++) {
          seen.add(await robot.grpc()).add(await robot.https());
        }
      } finally {
        flood.over = true;
        await Promise.all(floods);
      }
      assert.ok(flood.refused >= 100, `${flood.refused} requests of the flood were refused`);
      assert.deepEqual(seen, new Set(['OK', 200]));
      assert.deepEqual(flood.others, new Set(['OK', 200]));
    } finally {
      await node.stop();
    }
  });
});

function asking(node: ServingNode, security: ChannelSecurity): Caller {
  const { token, ...certificate } = security;
  const agent = new Agent({ ...certificate, keepAlive: true });
  after(() => agent.destroy());
  const client = node.connect(security);
  const control = client.client(GRPCInferenceServiceService);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    async grpc(what = 'infer') {
      try {
        if (what === 'infer') await inferOnce(client);
        else await control.repositoryModelUnload({ repositoryName: '', modelName: absent, parameters: {} });
        return 'OK';
      } catch (error) {
        return toAtollError(error).code;
      }
    },
    async https(what = 'infer') {
      const target = what === 'infer' ? `/v2/models/${tinyModel}/infer` : `/v2/repository/models/${absent}/unload`;
      const sent = httpsRequest(node.http + target, { method: 'POST', agent, headers });
      try {
        sent.end(JSON.stringify(what === 'infer' ? { inputs: [tinyInput()] } : {}));
        const [response] = (await once(sent, 'response')) as [IncomingMessage];
        response.resume();
        await once(response, 'end');
        return response.statusCode ?? 0;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
    },
  };
}

/** The input of tinyRequest() in JSON. */
function tinyInput() {
  const [image] = tinyRequest().inputs;
  const [data] = tinyRequest().rawInputContents;
  return { name: image?.name, datatype: image?.datatype, shape: image?.shape.map(Number), data: [...(data ?? [])] };
}
