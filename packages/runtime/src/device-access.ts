import { accessSync, constants, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errnoOf } from '@atoll/base/error';
import type { ListedDevice } from './edgetpu-api.js';

/**
 * Why this user may not use a device that is plugged in, with the remedy; undefined when he may, or when that cannot be told.
 * The groups are those of libedgetpu's udev rules.
 */
export function accessFault({ bus, path }: ListedDevice): string | undefined {
  const node = bus === 'pci' ? path : usbNode(path);
  if (node === undefined) return undefined;
  try {
    accessSync(node, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') return undefined;
    const group = bus === 'pci' ? 'apex' : 'plugdev';
    return `this user may not open ${node}: add it to group ${group} and install libedgetpu's udev rules`;
  }
}

/** The device file of a USB device that the system describes at `path`. */
function usbNode(path: string): string | undefined {
  if (!basename(path).includes('-')) return undefined;
  try {
    const [bus, device] = ['busnum', 'devnum'].map((name) => readFileSync(`${path}/${name}`, 'ascii').trim());
    return `/dev/bus/usb/${bus?.padStart(3, '0')}/${device?.padStart(3, '0')}`;
  } catch {
    return undefined; // Without that description there is nothing to tell.
  }
}
