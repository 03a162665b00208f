import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseDeviceList } from './device-name.js';
import { pluggedDevices } from './plugged-devices.js';

describe('pluggedDevices()', () => {
  let folder = '';
  const plug = async (name: string, vendor: string, product: string): Promise<void> => {
    await mkdir(join(folder, 'usb', name), { recursive: true });
    await writeFile(join(folder, 'usb', name, 'idVendor'), `${vendor}\n`);
    await writeFile(join(folder, 'usb', name, 'idProduct'), `${product}\n`);
  };
  const listed = (): Promise<readonly string[]> =>
    pluggedDevices({ dev: join(folder, 'dev'), usb: join(folder, 'usb') });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-plugged-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('finds devices on both buses, by number when alone on its bus, else by place; other devices are not there', async () => {
    assert.deepEqual(await listed(), []);
    await plug('usb1', '1d6b', '0002');
    await plug('1-1', '046d', 'c52b');
    await plug('1-1:1.0', '18d1', '9302');
    await plug('2-1', '1a6e', '089a');
    assert.deepEqual(await listed(), ['usb:0']);
    await plug('2-3.1', '18d1', '9302');
    await mkdir(join(folder, 'dev'));
    for (const name of ['apex_0', 'apex', 'null']) await writeFile(join(folder, 'dev', name), '');
    const all = await listed();
    assert.deepEqual(all, ['pci:0', `usb:${folder}/usb/2-1`, `usb:${folder}/usb/2-3.1`]);
    assert.deepEqual(parseDeviceList(all.join(',')), all);
  });
});
