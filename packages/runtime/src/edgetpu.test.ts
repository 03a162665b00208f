import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import { compiledModel } from '@atoll/edgetpu/compiled-model-for-tests';
import { accessFault } from './device-access.js';
import { parseDeviceName } from './device-name.js';
import { holdEdgeTpu, openEdgeTpu } from './edgetpu.js';
import { isEdgeTpuModel } from './edgetpu-file.js';
import { checkEdgeTpuOptions } from './edgetpu-options.js';
import { openModel } from './open.js';
import { buildStandIn, standInAnswer, standInMissing } from './stand-in-edgetpu-for-tests.js';
import type { StandIn } from './stand-in-edgetpu-for-tests.js';
import { tinyClassifier } from './tiny-classifier-for-tests.js';

const { liteRt, tfLite } = cachePaths(process.env);
const inputs = [{ name: 'image', shape: [1, 4, 4, 3] }];
const outputs = [
  { name: 'scores', shape: [1, 5] },
  { name: 'boxes', shape: [1, 3, 4] },
];
const picture = Uint8Array.from({ length: 48 }, (_, i) => (i * 31) % 256);

describe('an Edge TPU behind the stand-in for libedgetpu', { skip: standInMissing() }, () => {
  let standIn: StandIn;
  let device = '';
  before(async () => {
    const built = await buildStandIn();
    standIn = built;
    [device = ''] = built.devices;
  });
  beforeEach(async () => {
    await standIn.plug([device]);
    await standIn.fate('ok');
    await standIn.version(14);
  });
  after(() => standIn.remove());

  /** What the work adds to the journal. */
  const journalOf = async (work: () => unknown): Promise<readonly string[]> => {
    const { length } = await standIn.journal();
    await work();
    return (await standIn.journal()).slice(length).map(({ line }) => line);
  };
  const first = compiledModel({ seed: 1, inputs, outputs });
  const second = compiledModel({ seed: 2, inputs, outputs });
  const expected = ({ customOptions }: typeof first) => standInAnswer(customOptions, [picture], [5, 12]);

  test('runs the operator of a compiled file, and each file answers as itself', async () => {
    const held = holdEdgeTpu({ tfLite, library: standIn.library, device });
    const [a, b] = [held.open(first.bytes), held.open(second.bytes)];
    assert.equal(a.backend, 'edgetpu');
    assert.deepEqual(await a.run([picture]), expected(first));
    assert.deepEqual(b.runSync([picture]), expected(second));
    assert.notDeepEqual(expected(first), expected(second));
    await Promise.all([a.close(), b.close()]);
    held.close();
  });

  test('every option arrives whole, at the context of the device', async () => {
    const options = { Performance: 'Medium', 'Usb.AlwaysDfu': 'False', 'Usb.MaxBulkInQueueLength': '255' };
    const lines = await journalOf(() => holdEdgeTpu({ tfLite, library: standIn.library, device, options }).close());
    assert.deepEqual(lines.slice(0, 4), [
      ...Object.entries(options).map(([name, value]) => `option ${name}=${value}`),
      `open 1 ${device.slice(4)}`,
    ]);
  });

  test('the context stays open while models come and go; a model goes before its delegate, the last delegate with the device', async () => {
    const path = device.slice(4);
    const lines = await journalOf(async () => {
      const held = holdEdgeTpu({ tfLite, library: standIn.library, device });
      const old = held.open(first.bytes);
      const next = held.open(second.bytes);
      await old.close();
      await next.close();
      held.close();
    });
    assert.deepEqual(
      lines,
      'open 1,delegate,delegate,load,delegate,load,unload,free,unload,free,free,close'
        .split(',')
        .map((word) => `${word} ${path}`),
    );
  });

  test('a model that does not load leaves no delegate behind', async () => {
    const held = holdEdgeTpu({ tfLite, library: standIn.library, device });
    const lines = await journalOf(() => {
      assert.throws(() => held.open(first.bytes.subarray(0, 200)), { code: /INVALID_ARGUMENT|DATA_LOSS/ });
      assert.throws(() => held.open(tinyClassifier({ seed: 1, size: 4, classes: 5, io: 'uint8' })), {
        code: 'FAILED_PRECONDITION',
        message: /it was not compiled for one/,
      });
    });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('delegate')).length,
      lines.filter((line) => line.startsWith('free')).length,
    );
    held.close();
  });

  test('openModel runs a compiled file on the device that is held, else on one held for it alone', async () => {
    const libraries = { liteRt, tfLite, edgeTpu: standIn.library };
    const held = holdEdgeTpu({ tfLite, library: standIn.library, device });
    const model = await openModel(first.bytes, { backend: 'auto', libraries, edgeTpu: held });
    assert.deepEqual(await model.run([picture]), expected(first));
    await model.close();
    held.close();
    const lines = await journalOf(async () => {
      const alone = await openModel(first.bytes, { backend: 'auto', libraries });
      assert.deepEqual(await alone.run([picture]), expected(first));
      await alone.close();
    });
    assert.match(lines.at(-1) ?? '', /^close /);
  });

  test('a device that fails in a run fails that run, with the reason', async () => {
    const model = openEdgeTpu(first.bytes, { tfLite, library: standIn.library, device });
    await standIn.fate('error');
    await assert.rejects(model.run([picture]), { code: 'INTERNAL', message: /does not answer/ });
    await model.close();
  });

  test('has one owner: another process is told who that is, until that one has gone', async () => {
    const held = holdEdgeTpu({ tfLite, library: standIn.library, device });
    const other = async (): Promise<unknown> => {
      const child = fork(new URL('./hold-edgetpu-for-tests.js', import.meta.url), [tfLite, standIn.library, device]);
      const [said] = (await once(child, 'message')) as unknown[];
      child.disconnect();
      await once(child, 'exit');
      return said;
    };
    const refused = `cannot use Edge TPU ${device}: ${device.slice(4)}: process ${process.pid} owns it`;
    assert.equal(await other(), refused);
    held.close();
    assert.equal(await other(), 'held');
    assert.ok((await standIn.journal()).every(({ line }) => !line.startsWith('stolen')));
  });

  const refusals: readonly (readonly [string, () => Promise<void>, string, RegExp])[] = [
    ['nothing plugged in', () => standIn.plug([]), 'usb:0', /usb:0: none is plugged in \(lsusb and lspci show 1a6e/],
    ['no second one', async () => undefined, 'usb:1', /usb:1: there is usb:.*2-1$/],
    [
      'one that does not open',
      () => standIn.fate('refuse'),
      'usb:0',
      /2-1 does not open; another program may hold it$/,
    ],
    ['none on that bus', async () => undefined, 'pci:0', /pci:0: there is usb:/],
  ];
  for (const [name, arrange, wanted, message] of refusals) {
    test(`tells the remedy: ${name}`, async () => {
      await arrange();
      assert.throws(() => holdEdgeTpu({ tfLite, library: standIn.library, device: wanted }), {
        code: 'UNAVAILABLE',
        message,
      });
    });
  }

  test('refuses a file that needs a newer runtime before it comes near the device', async () => {
    await standIn.version(13);
    const held = holdEdgeTpu({ tfLite, library: standIn.library, device });
    const lines = await journalOf(() =>
      assert.throws(() => held.open(first.bytes), {
        code: 'FAILED_PRECONDITION',
        message: /it needs runtime 14 and libedgetpu here is 13: install a newer one/,
      }),
    );
    assert.deepEqual(lines, []);
    held.close();
  });
});

describe('holdEdgeTpu()', () => {
  test('tells of a library that is not there, or is another', () => {
    assert.throws(() => holdEdgeTpu({ tfLite, library: 'libedgetpu-that-is-not-there.so' }), {
      code: 'UNAVAILABLE',
      message: /^cannot load the Edge TPU runtime \(libedgetpu; its package is libedgetpu1-std\)/,
    });
    assert.throws(() => holdEdgeTpu({ tfLite, library: tfLite }), { code: 'UNAVAILABLE', message: /^cannot load/ });
  });
});

describe('parseDeviceName() and checkEdgeTpuOptions()', () => {
  test('a device is a number on a bus, or a place', () => {
    assert.deepEqual(parseDeviceName('usb:0'), { bus: 'usb', at: 0 });
    assert.deepEqual(parseDeviceName('pci:/dev/apex_1'), { bus: 'pci', at: '/dev/apex_1' });
    for (const text of ['', 'usb', 'usb:', 'usb:-1', 'tpu:0', 'usb:a', 'usb:0,pci:0', 'usb:relative/path'])
      assert.throws(() => parseDeviceName(text), { code: 'INVALID_ARGUMENT' }, text);
  });
  test('an option that libedgetpu would pass over in silence is refused', () => {
    checkEdgeTpuOptions({ Performance: 'Low', 'Usb.AlwaysDfu': 'True', 'Usb.MaxBulkInQueueLength': '0' });
    for (const options of [{ performance: 'Low' }, { Performance: 'low' }, { 'Usb.MaxBulkInQueueLength': '256' }])
      assert.throws(() => checkEdgeTpuOptions(options), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => checkEdgeTpuOptions({ device: 'usb:0' }), { message: /the device is not named here/ });
    assert.throws(() => checkEdgeTpuOptions({ constructor: 'x' }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('accessFault()', () => {
  const skip = process.getuid?.() === 0 && 'root may open every file; run the tests as another user';
  test('names the file that may not be opened, and the group', { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-access-'));
    try {
      const path = join(folder, 'apex_0');
      await writeFile(path, '', { mode: 0 });
      assert.match(accessFault({ bus: 'pci', path }) ?? '', /may not open .*apex_0: add it to group apex/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
  test('has nothing to say of a device that may be opened, or of which the system tells nothing', () => {
    assert.equal(accessFault({ bus: 'pci', path: '/dev/null' }), undefined);
    assert.equal(accessFault({ bus: 'usb', path: '/sys/bus/usb/devices/99-9' }), undefined);
    assert.equal(accessFault({ bus: 'usb', path: '' }), undefined);
  });
});

describe('isEdgeTpuModel()', () => {
  test('is true for a compiled file alone', () => {
    assert.equal(isEdgeTpuModel(tinyClassifier({ seed: 1, size: 4, classes: 4, io: 'int8' })), false);
    assert.equal(isEdgeTpuModel(compiledModel({ seed: 1, inputs, outputs }).bytes), true);
  });
});
