import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { AtollError } from '@atoll/base/error';
import type { Engine } from './engine.js';
import { openTfjsSession } from './tfjs-session.js';
import { registerWasmKernels } from './wasm-kernels/register.js';

/** Loads the WebAssembly kernels that come with npm, completed by our own gradient kernels. */
export async function loadWasm(): Promise<Engine> {
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(join(dirname(entry), '/'));
  registerWasmKernels();
  if (!(await tf.setBackend('wasm'))) {
    throw new AtollError('UNAVAILABLE', 'cannot load the engine wasm: its WebAssembly module did not start');
  }
  return {
    name: 'wasm',
    versions: { tfjs: tf.version_core, wasm: version_wasm },
    openSession: (options) => openTfjsSession(options),
  };
}
