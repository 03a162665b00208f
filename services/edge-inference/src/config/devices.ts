import type { EnvReader } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import { parseDeviceList } from '@atoll/runtime/device-name';
import { checkEdgeTpuOptions } from '@atoll/runtime/edgetpu-options';

/** The Edge TPUs of a node. */
export interface DevicesConfig {
  /** `auto` = those that are plugged in when the node starts. */
  readonly names: 'auto' | readonly string[];
  /** libedgetpu's own, for all of them. */
  readonly options: Readonly<Record<string, string>>;
}

/** What a node does when it is told nothing. */
export const defaultDevices: DevicesConfig = { names: 'auto', options: {} };

/** Reads "auto", "none" or "usb:0,pci:0"; INVALID_ARGUMENT for any other text. */
export function parseDevices(text: string): DevicesConfig['names'] {
  if (text === 'auto') return text;
  return text === 'none' ? [] : parseDeviceList(text);
}

/** Reads the settings; faults are collected by the reader. */
export function readDevices(reader: EnvReader): DevicesConfig {
  return {
    names: reader.parsed('ATOLL_EDGE_INFERENCE_DEVICES', defaultDevices.names, parseDevices),
    options: reader.parsed('ATOLL_EDGE_INFERENCE_DEVICE_OPTIONS', defaultDevices.options, parseOptions),
  };
}

function parseOptions(text: string): Readonly<Record<string, string>> {
  const options = Object.fromEntries(
    text.split(',').map((part) => {
      const [, name, value] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
      if (name === undefined || value === undefined)
        throw new AtollError('INVALID_ARGUMENT', `cannot use ${JSON.stringify(part)}: it is not NAME=VALUE`);
      return [name, value];
    }),
  );
  checkEdgeTpuOptions(options);
  return options;
}
