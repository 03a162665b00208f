import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync, gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { systemClock } from '@atoll/base/clock';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { classNames, packageMaker, pictureSize, pixels, testConfig } from '../packages-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import type { RunningEdgeInference } from '../service.js';
import { startEdgeInference } from '../service.js';

const shape = [1, pictureSize, pictureSize, 3];

/** A request body: JSON, and behind it the bytes. */
function binaryBody(json: unknown, ...data: readonly Uint8Array[]): { body: Buffer; length: string } {
  const head = Buffer.from(JSON.stringify(json));
  return { body: Buffer.concat([head, ...data]), length: String(head.byteLength) };
}

const binaryInput = { name: 'image', datatype: 'UINT8', shape, parameters: { binary_data_size: 768 } };

interface Infer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data?: readonly number[];
    readonly parameters?: { readonly binary_data_size: number };
  }[];
}

describe('a node over HTTP', { timeout: 60_000 }, () => {
  let maker: PackageMaker;
  let running: RunningEdgeInference;
  let root: string;
  before(async () => {
    maker = await packageMaker();
    root = await mkdtemp(join(tmpdir(), 'atoll-http-'));
    for (const version of [1, 2]) {
      const path = join(root, 'tiny', String(version), 'model.tflite');
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, tinyClassifier({ seed: version, size: pictureSize, classes: 6, io: 'uint8' }));
      await writeFile(join(dirname(path), 'labels.txt'), `${classNames.join('\n')}\n`);
    }
    running = await startEdgeInference(
      { ...testConfig, httpListen: '127.0.0.1:0', repository: root },
      { log: silentLogger, clock: systemClock },
    );
  });
  after(async () => {
    await running.stop();
    await maker.remove();
    await rm(root, { recursive: true, force: true });
  });

  const ask = async (path: string, init: RequestInit = {}) => fetch(`http://${running.http}${path}`, init);
  const post = async (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    ask(path, { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body), headers });
  const wanted = async (seed: number): Promise<number[]> => [...(await maker.answer(2n, seed))];

  test('infer answers flat and nested JSON with JSON, and says which version and backend made it', async () => {
    const flat = [...pixels(1)];
    const rows = Array.from({ length: 16 }, (_, y) =>
      Array.from({ length: 16 }, (_, x) => flat.slice((y * 16 + x) * 3, (y * 16 + x) * 3 + 3)),
    );
    for (const data of [flat, [rows]]) {
      const body = JSON.stringify({ id: 'a "b"', inputs: [{ name: 'image', datatype: 'UINT8', shape, data }] });
      const response = await post('/v2/models/tiny/infer', body);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/json');
      const answer = (await response.json()) as Infer;
      assert.deepEqual([answer.model_name, answer.model_version, answer.id], ['tiny', '2', 'a "b"']);
      assert.deepEqual(answer.outputs, [{ name: 'scores', datatype: 'UINT8', shape: [1, 6], data: await wanted(1) }]);
      assert.equal(answer.parameters['backend'], running.swapper.active('tiny')?.backend);
    }
  });

  test('infer takes binary data and gives it where it is asked for, for all outputs or for one', async () => {
    const table: readonly (readonly [Record<string, unknown>, boolean])[] = [
      [{}, false],
      [{ parameters: { binary_data_output: true } }, true],
      [{ outputs: [{ name: 'scores', parameters: { binary_data: true } }] }, true],
      [{ outputs: [{ name: 'scores' }] }, false],
      [{ outputs: [{ name: 'scores' }], parameters: { binary_data_output: true } }, true],
      [
        { outputs: [{ name: 'scores', parameters: { binary_data: false } }], parameters: { binary_data_output: true } },
        false,
      ],
    ];
    for (const [more, isBinary] of table) {
      const { body, length } = binaryBody({ inputs: [binaryInput], ...more }, pixels(2));
      const response = await post('/v2/models/tiny/versions/2/infer', body, {
        'Inference-Header-Content-Length': length,
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      const headLength = response.headers.get('inference-header-content-length');
      assert.equal(headLength !== null, isBinary, JSON.stringify(more));
      const cut = Number(headLength ?? bytes.byteLength);
      const answer = JSON.parse(bytes.toString('utf8', 0, cut)) as Infer;
      const [output] = answer.outputs;
      if (isBinary) {
        assert.equal(response.headers.get('content-type'), 'application/octet-stream');
        assert.deepEqual(output?.parameters, { binary_data_size: 6 });
        assert.deepEqual([...bytes.subarray(cut)], await wanted(2));
      } else {
        assert.deepEqual(output?.data, await wanted(2));
      }
    }
  });

  test('infer takes a body without JSON for a model of one input, and answers it with binary data', async () => {
    const response = await post('/v2/models/tiny/infer', Buffer.from(pixels(3)), {
      'Inference-Header-Content-Length': '0',
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const cut = Number(response.headers.get('inference-header-content-length'));
    assert.deepEqual([...bytes.subarray(cut)], await wanted(3));
  });

  test('infer unfolds gzip and deflate, and folds long answers as the caller takes them', async () => {
    const { body, length } = binaryBody({ inputs: [binaryInput] }, pixels(4));
    const table = [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['deflate', deflateRawSync],
    ] as const;
    for (const [encoding, fold] of table) {
      const response = await post('/v2/models/tiny/infer', fold(body), {
        'Inference-Header-Content-Length': length,
        'Content-Encoding': encoding,
      });
      assert.deepEqual(((await response.json()) as Infer).outputs[0]?.data, await wanted(4));
    }
    const { status, headers } = await post('/v2/models/tiny/infer', body, { 'Content-Encoding': 'br' });
    assert.deepEqual([status, headers.get('accept-encoding')], [415, 'gzip, deflate']);
    const bomb = gzipSync(Buffer.alloc(17 * 1024 * 1024));
    assert.equal((await post('/v2/models/tiny/infer', bomb, { 'Content-Encoding': 'gzip' })).status, 413);
    assert.equal((await post('/v2/models/tiny/infer', body, { 'Content-Encoding': 'gzip' })).status, 400);
    assert.equal(gunzipSync(gzipSync('x')).toString(), 'x');
  });

  test('every failure is {"error": text} with its status', async () => {
    const input = { name: 'image', datatype: 'UINT8', shape, data: [...pixels(0)] };
    const table: readonly (readonly [string, string | Uint8Array, number, RegExp, Record<string, string>?])[] = [
      ['/v2/models/other/infer', JSON.stringify({ inputs: [input] }), 404, /cannot find model other/],
      ['/v2/models/tiny/versions/9/infer', JSON.stringify({ inputs: [input] }), 404, /tiny v9/],
      ['/v2/models/tiny/versions/x/infer', JSON.stringify({ inputs: [input] }), 400, /version "x"/],
      ['/v2/models/tiny/infer', 'no json', 400, /is no JSON/],
      ['/v2/models/tiny/infer', '[]', 400, /not a JSON object/],
      ['/v2/models/tiny/infer', '{}', 400, /inputs is not a JSON array/],
      ['/v2/models/tiny/infer', '{"inputs":[]}', 400, /takes 1 inputs, not 0/],
      [
        '/v2/models/tiny/infer',
        JSON.stringify({ inputs: [{ ...input, datatype: 'FP32' }] }),
        400,
        /is UINT8, not FP32/,
      ],
      [
        '/v2/models/tiny/infer',
        JSON.stringify({ inputs: [{ ...input, shape: [768] }] }),
        400,
        /has shape \[1, 16, 16, 3\]/,
      ],
      [
        '/v2/models/tiny/infer',
        JSON.stringify({ inputs: [{ ...input, data: [1] }] }),
        400,
        /takes 768 elements, not 1/,
      ],
      ['/v2/models/tiny/infer', JSON.stringify({ inputs: [binaryInput] }), 400, /no Inference-Header-Content-Length/],
      ['/v2/models/tiny/infer', 'x', 400, /is 5 and the body has 1/, { 'Inference-Header-Content-Length': '5' }],
      ['/v2/models/tiny/infer', 'x', 400, /not a whole number/, { 'Inference-Header-Content-Length': '-5' }],
      ['/v2/models/tiny/infer', Buffer.alloc(16 * 1024 * 1024 + 1), 413, /are the limit/],
      ['/v2/repository/index', `{"ready":true${' '.repeat(64 * 1024)}}`, 413, /65536 are the limit/],
      ['/v2/models/tiny', '', 405, /takes GET/],
      ['/v2/models/%zz/infer', '', 400, /cannot be decoded/],
      ['/v2/nothing', '', 404, /nothing at this address/],
      ['/v2/models/tiny/infer', JSON.stringify({ inputs: [input], parameters: { timeout: -1 } }), 400, /timeout/],
      [
        '/v2/models/tiny/infer',
        JSON.stringify({ inputs: [input] }),
        400,
        /atoll-timeout-ms "soon"/,
        { 'atoll-timeout-ms': 'soon' },
      ],
      [
        '/v2/models/tiny/infer',
        JSON.stringify({ inputs: [{ ...input, parameters: { shared_memory_region: 'r' } }] }),
        501,
        /shared memory/,
      ],
    ];
    for (const [path, body, status, message, headers] of table) {
      const response = await post(path, body, headers);
      const text = await response.text();
      assert.equal(response.status, status, `${path} ${text}`);
      assert.match((JSON.parse(text) as { error: string }).error, message);
      assert.equal(response.headers.get('content-type'), 'application/json');
    }
    assert.equal((await post('/v2', '')).headers.get('allow'), 'GET');
    assert.equal((await ask('/v2/models/tiny/infer')).headers.get('allow'), 'POST');
  });

  test('a full queue is 429 and says when to come again, a passed deadline is 504', async () => {
    const { body, length } = binaryBody({ inputs: [binaryInput] }, pixels(4));
    const asked = async (headers: Record<string, string> = {}) =>
      post('/v2/models/tiny/infer', body, { 'Inference-Header-Content-Length': length, ...headers });
    const signal = (name: NodeJS.Signals): void => {
      for (const pid of running.runtimePids) process.kill(pid, name);
    };
    signal('SIGSTOP');
    try {
      const late = await asked({ 'atoll-timeout-ms': '100' });
      assert.equal(late.status, 504, await late.text());
      const all = await Promise.all(Array.from({ length: 80 }, async () => asked({ 'atoll-timeout-ms': '500' })));
      const refused = all.filter(({ status }) => status === 429);
      assert.ok(refused.length > 0, all.map(({ status }) => status).join());
      for (const { headers } of refused) {
        assert.ok(Number(headers.get('retry-after')) >= 1);
        assert.ok(Number(headers.get('retry-after-ms')) > 0);
      }
    } finally {
      signal('SIGCONT');
    }
    await eventually(async () => assert.equal((await asked()).status, 200));
  });

  test('server and models tell of themselves', async () => {
    assert.deepEqual(await (await ask('/v2/health/live')).json(), { live: true });
    assert.deepEqual(await (await ask('/v2/health/ready')).json(), { ready: true });
    assert.ok(
      ((await (await ask('/v2')).json()) as { extensions: string[] }).extensions.includes('binary_tensor_data'),
    );
    const metadata = (await (await ask('/v2/models/tiny')).json()) as Record<string, unknown>;
    assert.deepEqual(metadata['versions'], ['2']);
    assert.deepEqual(metadata['inputs'], [{ name: 'image', datatype: 'UINT8', shape }]);
    const config = (await (await ask('/v2/models/tiny/config')).json()) as Record<string, unknown>;
    assert.deepEqual([config['name'], config['max_batch_size']], ['tiny', 0]);
    assert.deepEqual(config['input'], [{ name: 'image', data_type: 'TYPE_UINT8', dims: shape }]);
    type Stats = { model_stats: { name: string; version: string; inference_stats: { success: { count: number } } }[] };
    for (const path of ['/v2/models/tiny/versions/2/stats', '/v2/models/tiny/stats', '/v2/models/stats']) {
      const { model_stats: all } = (await (await ask(path)).json()) as Stats;
      assert.deepEqual(
        all.map(({ name, version, inference_stats: { success } }) => [name, version, success.count > 0]),
        [['tiny', '2', true]],
      );
    }
    for (const what of ['config', 'stats']) assert.equal((await ask(`/v2/models/none/${what}`)).status, 404);
    assert.equal((await ask('/v2/models/tiny/versions/2/ready')).status, 200);
    assert.equal((await ask('/v2/models/tiny/versions/1/ready')).status, 404);
    assert.equal((await ask('/healthz', { method: 'HEAD' })).status, 200);
  });

  test('predict judges an encoded photo', async () => {
    const raw = { width: pictureSize, height: pictureSize, channels: 3 } as const;
    const png = await sharp(Buffer.from(pixels(5)), { raw })
      .png()
      .toBuffer();
    const response = await post('/atoll/v1/models/tiny/predict?top=1', png, {
      'content-type': 'image/png',
    });
    const answer = (await response.json()) as { predictions: { label: string }[]; version: string; backend: string };
    const scores = await wanted(5);
    const best = scores.indexOf(Math.max(...scores));
    assert.deepEqual([answer.predictions.map(({ label }) => label), answer.version], [[classNames[best]], '2']);
    const table: readonly (readonly [string, string, number])[] = [
      ['/atoll/v1/models/tiny/predict', 'image/png', 400],
      ['/atoll/v1/models/tiny/predict', 'text/html', 415],
      ['/atoll/v1/models/tiny/predict?top=0', 'image/png', 400],
      ['/atoll/v1/models/none/predict', 'image/png', 404],
    ];
    for (const [path, type, status] of table) {
      assert.equal((await post(path, 'no photo', { 'content-type': type })).status, status, path);
    }
  });

  test('the repository is listed, loaded and unloaded', async () => {
    const states = async (body = ''): Promise<unknown> =>
      ((await (await post('/v2/repository/index', body)).json()) as { version: string; state: string }[]).map(
        ({ version, state }) => `${version} ${state}`,
      );
    assert.deepEqual(await states(), ['1 UNAVAILABLE', '2 READY']);
    assert.deepEqual(await states('{"ready":true}'), ['2 READY']);
    assert.equal((await post('/v2/repository/models/tiny/load', '{"parameters":{"version":"1"}}')).status, 200);
    assert.deepEqual(await states(), ['1 READY', '2 UNAVAILABLE']);
    assert.equal((await post('/v2/repository/models/tiny/unload', '')).status, 200);
    assert.equal((await ask('/v2/health/ready')).status, 503);
    assert.equal((await ask('/readyz')).status, 503);
    assert.equal((await post('/v2/repository/models/tiny/load', '')).status, 200);
    assert.deepEqual(await states(), ['1 UNAVAILABLE', '2 READY']);
    assert.equal((await post('/v2/repository/models/none/load', '')).status, 404);
    assert.equal((await post('/v2/repository/models/tiny/load', '{"parameters":{"config":"{}"}}')).status, 400);
    assert.equal((await post('/v2/repository/index', '{"ready":1}')).status, 400);
  });
});
