/*
 * The Edge TPUs of this machine as the system itself tells, without libedgetpu, which may end the process that asks it. A device
 * that is alone on its bus is named by number, several by their places, which last when one of them is unplugged.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@atoll/base/error';
import type { Bus } from './device-name.js';

/** Where the system tells of devices. */
export interface DeviceFolders {
  readonly dev: string;
  readonly usb: string;
}

/** Vendor and product before libedgetpu has loaded its firmware, and after. Source: libedgetpu, debian/edgetpu-accelerator.rules. */
const usbIds: ReadonlySet<string> = new Set(['1a6e:089a', '18d1:9302']);

/** Their names, for holdEdgeTpu; none where there is no such folder. */
export async function pluggedDevices(
  folders: DeviceFolders = { dev: '/dev', usb: '/sys/bus/usb/devices' },
): Promise<readonly string[]> {
  const pci = (await namesIn(folders.dev)).filter((name) => /^apex_\d+$/.test(name));
  const usb: string[] = [];
  for (const name of await namesIn(folders.usb)) {
    if (!/^\d+-[\d.]+$/.test(name)) continue;
    const ids = await Promise.all(['idVendor', 'idProduct'].map((file) => idIn(join(folders.usb, name, file))));
    if (usbIds.has(ids.join(':'))) usb.push(name);
  }
  return [
    ...named(
      'pci',
      pci.map((name) => join(folders.dev, name)),
    ),
    ...named(
      'usb',
      usb.map((name) => join(folders.usb, name)),
    ),
  ];
}

function named(bus: Bus, paths: readonly string[]): readonly string[] {
  return paths.length === 1 ? [`${bus}:0`] : paths.map((path) => `${bus}:${path}`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES') return [];
    throw error;
  }
}

/** A device that goes while it is looked at has no id. */
async function idIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'ascii')).trim();
  } catch {
    return '';
  }
}
