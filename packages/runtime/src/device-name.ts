import { AtollError } from '@atoll/base/error';

/** How an Edge TPU is reached. */
export type Bus = 'usb' | 'pci';

/**
 * An Edge TPU as a person names it: `usb:0` is the first of those on USB in the order in which libedgetpu lists them,
 * `pci:/dev/apex_0` or `usb:/sys/bus/usb/devices/2-1` the one at that place. On a machine with several on USB only the place is
 * lasting: when one is away, the others move up in the list.
 */
export interface DeviceName {
  readonly bus: Bus;
  /** A number in the list, or a place. */
  readonly at: number | string;
}

/** Reads a name; INVALID_ARGUMENT for any other text. */
export function parseDeviceName(text: string): DeviceName {
  const [, bus, index, path] = /^(usb|pci):(?:(\d{1,3})|(\/[^,\s]{1,255}))$/.exec(text) ?? [];
  if (bus === 'usb' || bus === 'pci') return { bus, at: path ?? Number(index) };
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use device ${JSON.stringify(text)}: a device is usb:N or pci:N, N from 0, or usb:PATH or pci:PATH`,
  );
}

/** Reads "usb:0,pci:0"; INVALID_ARGUMENT also for a device that is named twice. */
export function parseDeviceList(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  for (const [i, name] of names.entries()) {
    parseDeviceName(name);
    if (names.indexOf(name) < i) throw new AtollError('INVALID_ARGUMENT', `cannot use device ${name} twice`);
  }
  return names;
}
