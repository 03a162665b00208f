/** What people do wrong: one line that says what and why, exit code 1, and nothing half-written. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reasonOf } from '@atoll/base/error';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { atoll, atollJson, type CliOptions } from '../support/cli.js';
import { writePhotoFolders } from '../support/photo-folders.js';
import { blackPng } from '../support/png.js';
import { writeTinyLayersModel } from '../support/tiny-layers-model.js';

const natsServer = await findNatsServer(process.env);
const model = tinyClassifier({ seed: 1, size: 32, classes: 3, io: 'uint8' });

/** The same model with its first operator turned into one that nobody knows. */
function withUnknownOp(known: TfLiteModel): TfLiteModel {
  const [, ...rest] = known.operatorCodes;
  return { ...known, operatorCodes: [{ code: 32, customCode: 'Mystery', version: 1 }, ...rest] };
}

describe('bad input', { timeout: 240_000 }, () => {
  let root = '';
  let taken: Server;
  let port = 0;
  const at = (name: string): string => join(root, name);
  const photos = ['--data', 'photos'];

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-bad-'));
    await mkdir(at('empty'));
    await writePhotoFolders(at('photos'), 4);
    await writePhotoFolders(at('one-class'), 4, ['brick']);
    await writePhotoFolders(at('huge'), 4);
    await writeFile(at('huge/brick/huge.png'), blackPng(30_000, 30_000));
    await writeFile(at('whole.tflite'), model);
    await writeFile(at('cut.tflite'), model.subarray(0, model.length / 2));
    await writeFile(at('unknown.tflite'), writeModel(withUnknownOp(readModel(model))));
    await writeTinyLayersModel(at('layers'));
    await writeTinyLayersModel(at('unknown-layer'), 'Mystery');
    await atollJson(['convert', at('layers'), '--out', at('float.tflite')]);
    const float = readModel(await readFile(at('float.tflite')));
    await writeFile(at('unknown-float.tflite'), writeModel(withUnknownOp(float)));
    taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  after(async () => {
    taken.close();
    await rm(root, { recursive: true });
  });

  /** Runs a command line in the folder, and holds what is said of every failure. */
  async function fails(args: readonly string[], expected: RegExp, options: CliOptions = {}): Promise<void> {
    const untouched = await everything(root);
    const { code, out, err } = await atoll([...args, '--quiet'], { cwd: root, ...options });
    const lines = err
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('INFO: '));
    assert.deepEqual([code, out, lines.length], [1, '', 1], err);
    assert.match(lines[0] ?? '', expected);
    assert.match(lines[0] ?? '', /^atoll: cannot /);
    assert.deepEqual(await everything(root), untouched, 'something was left behind');
  }

  const table: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['train on an empty folder', ['train', '--data', 'empty', '--out', 'run'], /empty: there is no photo/],
    ['train on a folder that is not there', ['train', '--data', 'none', '--out', 'run'], /none: there is no such file/],
    ['train on a file', ['train', '--data', 'whole.tflite', '--out', 'run'], /whole\.tflite: it is a file/],
    ['train on one class', ['train', '--data', 'one-class', '--out', 'run'], /one|two/],
    [
      'train into a folder that is used',
      ['train', ...photos, '--out', 'photos'],
      /photos: the folder is there already/,
    ],
    [
      'train on a photo of 30,000 x 30,000',
      ['train', '--data', 'huge', '--out', 'run', '--size', '32'],
      /huge\.png.*30000 x 30000/,
    ],
    [
      'predict a photo of 30,000 x 30,000',
      ['predict', 'whole.tflite', 'huge/brick/huge.png'],
      /huge\.png.*30000 x 30000/,
    ],
    ['predict nothing', ['predict', 'whole.tflite', 'empty'], /there is no photo/],
    ['inspect a .tflite cut in half', ['inspect', 'cut.tflite'], /cut\.tflite/],
    ['predict with a .tflite cut in half', ['predict', 'cut.tflite', 'photos'], /cut\.tflite/],
    ['quantize a .tflite cut in half', ['quantize', 'cut.tflite', ...photos, '--out', 'q.tflite'], /cut\.tflite/],
    ['compile a .tflite cut in half', ['compile', 'cut.tflite', '--out', 'edgetpu'], /cut\.tflite/],
    ['predict with an unknown op', ['predict', 'unknown.tflite', 'photos'], /Mystery/],
    ['quantize an unknown op', ['quantize', 'unknown-float.tflite', ...photos, '--out', 'q.tflite'], /Mystery/],
    ['convert an unknown layer', ['convert', 'unknown-layer', '--out', 'f.tflite'], /Mystery/],
    [
      'serve a repository that is not there',
      ['serve', '--repository', 'none'],
      /none: there is no such file or folder/,
    ],
    ['serve a repository that is a file', ['serve', '--repository', 'cut.tflite'], /cut\.tflite: it is not a folder/],
    ['serve a .tflite cut in half', ['serve', '--model', 'a=cut.tflite'], /cut\.tflite/],
    [
      'quantize without photos',
      ['quantize', 'whole.tflite', '--data', 'empty', '--out', 'q.tflite'],
      /there is no photo/,
    ],
    ['a file that is no model', ['convert', 'huge/brick/huge.png', '--out', 'f.tflite'], /it is none of \.h5/],
    [
      'a server that is not there',
      ['inspect', 'whole.tflite', '--server', '127.0.0.1:1'],
      /cannot reach 127\.0\.0\.1:1/,
    ],
  ];
  for (const [name, args, expected] of table) test(name, () => fails(args, expected));

  test('serve on a port in use', () =>
    fails(
      ['serve', '--model', 'a=whole.tflite', '--listen', `127.0.0.1:${port}`],
      new RegExp(`127\\.0\\.0\\.1:${port}: the address is in use`),
    ));

  test(
    'up with a port in use names it, and ends what it had started',
    { skip: natsServer === undefined ? natsServerMissing : false },
    async () => {
      const env = { ATOLL_UP_PORTS: 'any', ATOLL_REGISTRY_LISTEN: `127.0.0.1:${port}` };
      const { code, err } = await atoll(['up', '--quiet', '--data-dir', at('fleet')], { env });
      assert.equal(code, 1);
      assert.equal(err, `atoll: cannot start registry: cannot listen on 127.0.0.1:${port}: the address is in use\n`);
      assert.deepEqual(
        (await readdir(at('fleet'))).filter((name) => /^(atoll\.json|up\.lock)$/.test(name)),
        [],
      );
      await rm(at('fleet'), { recursive: true });
    },
  );

  describe('no space left on the disk', { skip: smallDiskMissing() }, () => {
    let disk = '';
    before(async () => {
      disk = await mkdtemp(join(tmpdir(), 'atoll-disk-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
      await assert.rejects(writeFile(join(disk, 'full'), Buffer.alloc(128 * 1024)), /ENOSPC/);
    });
    after(async () => {
      execFileSync('umount', [disk]);
      await rm(disk, { recursive: true });
    });

    test('for the result', async () => {
      await fails(['convert', 'layers', '--out', join(disk, 'f.tflite')], /no space left on the disk/);
      assert.deepEqual(await readdir(disk), ['full']);
    });

    test('for a folder of results', async () => {
      await fails(['compile', 'whole.tflite', '--out', join(disk, 'edgetpu')], /no space left on the disk/);
      assert.deepEqual(await readdir(disk), ['full']);
    });

    test('for the work of the service inside', async () => {
      await fails(['convert', 'layers', '--out', 'f.tflite'], /no space left on the disk/, { env: { TMPDIR: disk } });
      assert.deepEqual(await readdir(disk), ['full']);
    });
  });
});

/** Every path below a folder, sorted. */
async function everything(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}

/** A disk of a few kilobytes needs the right to mount one. */
function smallDiskMissing(): string | false {
  const probe = join(tmpdir(), `atoll-mount-${process.pid}`);
  try {
    execFileSync('mkdir', [probe]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'pipe' });
    execFileSync('umount', [probe]);
    return false;
  } catch (error) {
    return `a small disk cannot be mounted (${reasonOf(error).split('\n')[0] ?? ''}): run the tests as root on Linux`;
  } finally {
    execFileSync('rmdir', [probe]);
  }
}
