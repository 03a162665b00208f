import type { EdgeInferenceConfig } from '../config.js';
import type { ChildSettings } from './child-process.js';

/** What the configuration says of runtime processes. */
export function childSettingsOf({ libraries, threads, devices, libraryPath }: EdgeInferenceConfig): ChildSettings {
  return {
    libraries,
    threads,
    edgeTpuOptions: devices.options,
    ...(libraryPath === undefined ? {} : { libraryPath }),
  };
}
