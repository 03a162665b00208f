import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { repositoryFolder } from './folder.js';

const model = tinyClassifier({ seed: 1, size: 8, classes: 3, io: 'uint8' });

describe('repositoryFolder()', () => {
  let base: string;
  let count = 0;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'atoll-repository-'));
  });
  after(() => rm(base, { recursive: true, force: true }));

  /** A repository of its own with these files. */
  const make = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> => {
    const root = join(base, String(++count), 'repository');
    await mkdir(root, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(root, path, '..'), { recursive: true });
      await writeFile(join(root, path), content);
    }
    return root;
  };

  test('models() lists folders with their versions and says what is wrong with a name', async () => {
    const root = await make({
      'b/10/model.tflite': model,
      'b/9/model.tflite': model,
      'b/config.pbtxt': '',
      'a/readme': '',
      'no name/1/model.tflite': model,
      '.git/1/x': '',
      'a-file': '',
    });
    const models = await repositoryFolder(root).models();
    assert.deepEqual(
      models.map(({ name, versions, fault }) => [name, versions, fault === undefined]),
      [
        ['a', [], true],
        ['b', [9n, 10n], true],
        ['no name', [], false],
      ],
    );
    await assert.rejects(repositoryFolder(join(root, 'none')).models(), {
      code: 'NOT_FOUND',
      message: /^cannot read /,
    });
  });

  test('package() is one version with all that belongs to it, and another digest when a byte changes', async () => {
    const files = {
      'm/3/model.tflite': model,
      'm/3/labels.txt': 'ant\nbee\r\ncat\n',
      'm/3/golden/a.input.bin': 'in',
      'm/3/golden/a.output.bin': 'out',
      'm/3/manifest.json': JSON.stringify({
        sha256: { 'model.tflite': sha256(model) },
        tolerance: 2,
        preprocessing: { width: 8, height: 8, mean: [127.5], std: 127.5 },
      }),
    };
    const root = await make(files);
    const pkg = await repositoryFolder(root).package('m', 3n);
    assert.deepEqual([pkg.model, pkg.version, pkg.labels], ['m', 3n, ['ant', 'bee', 'cat']]);
    assert.deepEqual(
      pkg.files.map(({ target, sha256: digest, sizeBytes }) => [target, digest, sizeBytes]),
      [['cpu', sha256(model), model.byteLength]],
    );
    assert.deepEqual(pkg.golden[0]?.tolerance, 2);
    assert.equal(pkg.golden[0].output.sha256, sha256('out'));
    assert.deepEqual([pkg.preprocessing?.mean, pkg.preprocessing?.std], [[127.5], [127.5]]);
    await writeFile(join(root, 'm/3/labels.txt'), 'ant\nbee\ndog\n');
    assert.notEqual((await repositoryFolder(root).package('m', 3n)).manifestSha256, pkg.manifestSha256);
  });

  test('package() carries the parts of a model that was cut, in order', async () => {
    const part = (index: number): string => `m/1/model_segment_${index}_of_2.tflite`;
    const root = await make({ 'm/1/model.tflite': model, [part(1)]: 'second', [part(0)]: 'first' });
    const { files } = await repositoryFolder(root).package('m', 1n);
    assert.deepEqual(
      files.map(({ segment, sha256: digest }) => [segment, digest]),
      [
        [undefined, sha256(model)],
        [{ index: 0, count: 2 }, sha256('first')],
        [{ index: 1, count: 2 }, sha256('second')],
      ],
    );
  });

  test('package() refuses in one line what cannot be used', async () => {
    const table: readonly (readonly [Readonly<Record<string, string | Uint8Array>>, RegExp])[] = [
      [{ 'm/1/labels.txt': 'a' }, /there is no model\.tflite/],
      [{ 'm/1/model.tflite': 'not a model' }, /model\.tflite/],
      [{ 'm/1/model.tflite': model, 'm/1/model_edgetpu.tflite': model }, /is not compiled for an Edge TPU/],
      [{ 'm/1/model.tflite': model, 'm/1/golden/a.input.bin': '' }, /golden\/a\.input\.bin has no other half/],
      [{ 'm/1/model.tflite': model, 'm/1/manifest.json': '{' }, /cannot use .*manifest\.json/],
      [{ 'm/1/model.tflite': model, 'm/1/manifest.json': '[]' }, /it is not a JSON object/],
      [{ 'm/1/model.tflite': model, 'm/1/manifest.json': '{"tolerances":1}' }, /tolerances is not known/],
      [{ 'm/1/model.tflite': model, 'm/1/manifest.json': '{"tolerance":-1}' }, /tolerance is not a number from 0/],
      [
        { 'm/1/model.tflite': model, 'm/1/manifest.json': `{"sha256":{"model.tflite":"${'0'.repeat(64)}"}}` },
        /its manifest says 0000/,
      ],
      [
        { 'm/1/model.tflite': model, 'm/1/manifest.json': '{"preprocessing":{"width":8,"height":8,"mean":0,"std":0}}' },
        /preprocessing\.std is not 1 or 3 numbers above 0/,
      ],
      [{ 'm/2/model.tflite': model }, /no such file/],
      [{ 'm/1/model.tflite': model, 'm/1/model_segment_0_of_2.tflite': model }, /it lacks segment 1 of 2/],
    ];
    for (const [files, message] of table) {
      const refused = repositoryFolder(await make(files)).package('m', 1n);
      await assert.rejects(refused, { message });
      await assert.rejects(refused, { message: /^cannot use m v1: [^\n]+$/ });
    }
  });

  test('links are followed within the repository and refused where they lead out', async () => {
    const root = await make({ 'm/1/model.tflite': model, 'kept/1/model.tflite': model });
    const outside = join(root, '..', 'outside');
    await mkdir(join(outside, '1'), { recursive: true });
    await writeFile(join(outside, '1', 'model.tflite'), model);
    await symlink('../kept/1', join(root, 'm', '2'));
    await symlink(join(outside, '1'), join(root, 'm', '3'));
    await mkdir(join(root, 'm', '4'));
    await symlink(join(outside, '1', 'model.tflite'), join(root, 'm', '4', 'model.tflite'));
    await symlink(outside, join(root, 'away'));
    const folder = repositoryFolder(root);
    assert.equal((await folder.package('m', 2n)).version, 2n);
    for (const version of [3n, 4n]) {
      await assert.rejects(folder.package('m', version), {
        code: 'INVALID_ARGUMENT',
        message: /leads out of the repository/,
      });
    }
    const away = (await folder.models()).find(({ name }) => name === 'away');
    assert.match(away?.fault ?? '', /leads out of the repository/);
    await assert.rejects(folder.package('../outside', 1n), { message: /leads out of the repository/ });
    // The repository itself may be a link, as a volume that is mounted anew is.
    await rename(root, `${root}-1`);
    await symlink(`${root}-1`, root);
    assert.equal((await folder.package('m', 1n)).version, 1n);
  });

  test('what is no file and what is too large is refused before it is read', async () => {
    const root = await make({ 'm/1/x': '', 'm/2/model.tflite': model, 'm/2/labels.txt': '' });
    execFileSync('mkfifo', [join(root, 'm', '1', 'model.tflite')]);
    await assert.rejects(repositoryFolder(root).package('m', 1n), { message: /is not a file/ });
    await truncate(join(root, 'm', '2', 'labels.txt'), 2 ** 31);
    await assert.rejects(repositoryFolder(root).package('m', 2n), { message: /2147483648 bytes exceed the limit/ });
  });
});
