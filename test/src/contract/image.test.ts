import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { repositoryRoot } from '../support/repository.js';
import { startEnvironments } from './start-environments.js';

const run = promisify(execFile);
const assembler = join(repositoryRoot, 'deploy/dist/image/main.js');
const { root, tensorflow } = cachePaths(process.env);
const withoutTensorflow = existsSync(join(tensorflow, 'tfjs_binding.node'))
  ? false
  : 'libtensorflow is not in the cache: npm start fetches it where pip and g++ are';
const devTools = ['typescript', 'oxlint', 'prettier', 'knip', 'ts-proto', '@bufbuild/buf', 'oxc-parser'];

/** Runs main.js of the folder until it is ready, hands its address on, and ends it as a container's stop does. */
async function whileRunning(
  folder: string,
  env: Readonly<Record<string, string>>,
  check: (address: string) => Promise<void>,
): Promise<void> {
  const child = spawn(process.execPath, ['--enable-source-maps', 'main.js'], {
    cwd: folder,
    env: { ...env, ATOLL_CACHE: join(folder, 'native'), ATOLL_DATA_DIR: join(folder, '../data') },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-4_000);
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  try {
    await check(await readyAddress(child.stdout, () => log));
    child.kill('SIGTERM');
    assert.equal(await ended, 0, log);
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
  }
}

async function readyAddress(output: NodeJS.ReadableStream, log: () => string): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const said = JSON.parse(line) as { readonly ready?: boolean; readonly address?: string };
    if (said.ready === true && said.address !== undefined) return said.address;
  }
  throw new Error(`it ended before it was ready: ${log()}`);
}

/** The node_modules folders below a root, relative to it, links left out. */
async function installedIn(root: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      const inside = /(^|\/)node_modules\/(@[^/]+\/)?[^/@][^/]*$/.test(relative(root, path));
      if (inside && entry.name !== '.bin') found.add(relative(root, path));
      await visit(path);
    }
  };
  await visit(root);
  return found;
}

for (const { service, skip, prepare } of startEnvironments) {
  describe(`image of ${service}`, () => {
    let work = '';
    let folder = '';
    // As the Dockerfile does it.
    before(async () => {
      work = await mkdtemp(join(tmpdir(), 'atoll-image-'));
      folder = join(work, 'app');
      await run(process.execPath, [assembler, service, folder], { env: { ATOLL_CACHE: root }, timeout: 120_000 });
    });
    after(() => rm(work, { recursive: true, force: true }));

    test('starts from its folder, answers its health check, and ends with 0 on SIGTERM', { skip }, async () => {
      const { env, stop } = await prepare(join(work, 'keys'));
      try {
        await whileRunning(folder, env, async (address) => {
          await run(process.execPath, ['healthcheck.js', address], { cwd: folder, env: {}, timeout: 20_000 });
        });
      } finally {
        await stop();
      }
    });

    test('its health check fails when nothing answers', async () => {
      const failed = run(process.execPath, ['healthcheck.js', '127.0.0.1:1'], {
        cwd: folder,
        env: {},
        timeout: 20_000,
      });
      await assert.rejects(failed, { code: 1 });
    });

    test('holds what npm counts among its production packages, and no tool of development', async () => {
      const ours = await installedIn(folder);
      const list = ['ls', '--all', '--parseable', '--omit=dev', '--workspace', `@atoll/${service}`];
      const { stdout } = await run('npm', list, { cwd: repositoryRoot, timeout: 60_000, maxBuffer: 2 ** 24 });
      const npms = stdout
        .split('\n')
        .map((line) => relative(repositoryRoot, line))
        .filter((path) => path.includes('node_modules/') && !/node_modules\/@atoll\/[^/]+$/.test(path));
      assert.ok(npms.length > 20, stdout);
      assert.deepEqual(
        npms.filter((path) => !ours.has(path)),
        [],
      );
      assert.deepEqual(
        devTools.filter((name) => ours.has(`node_modules/${name}`)),
        [],
      );
    });

    test('holds neither tests nor a link that leads nowhere', async () => {
      const files = await readdir(folder, { recursive: true });
      const ours = files.filter((path) => /^(services|packages)\//.test(path) && !path.includes('node_modules'));
      assert.ok(ours.length > 20);
      assert.deepEqual(
        ours.filter((path) => /\.test\.js$|\.d\.ts$/.test(path)),
        [],
      );
      assert.deepEqual(
        files.filter((path) => !existsSync(join(folder, path))),
        [],
      );
    });

    if (service === 'trainer') {
      test('finds its native engine inside the folder', { skip: withoutTensorflow }, async () => {
        const program = "import * as tf from '@tensorflow/tfjs-node'; process.stdout.write(tf.getBackend());";
        const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
          cwd: join(folder, 'services/trainer'),
          env: { TF_CPP_MIN_LOG_LEVEL: '2' },
          timeout: 60_000,
        });
        assert.match(stdout, /tensorflow$/);
      });
    }
  });
}

describe('assemble', () => {
  test('refuses a service that there is not, in one line', async () => {
    const failed = run(process.execPath, [assembler, 'trainr', join(tmpdir(), 'atoll-never')], { timeout: 20_000 });
    await assert.rejects(failed, { code: 1, stderr: /^cannot assemble trainr: it is none of trainer, .*\n$/ });
  });

  test('refuses a folder that is there already', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-image-'));
    try {
      const failed = run(process.execPath, [assembler, 'registry', folder], { timeout: 20_000 });
      await assert.rejects(failed, { code: 1, stderr: /it is there already\n$/ });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
