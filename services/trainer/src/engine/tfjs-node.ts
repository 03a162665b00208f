import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Engine } from './engine.js';
import { findMaxPool, type NodeBackend } from './one-dnn-max-pool.js';
import { openTfjsSession } from './tfjs-session.js';

/** Loads TensorFlow's own kernels through tfjs-node's add-on; UNAVAILABLE when add-on or library is not there. */
export async function loadTfjsNode(): Promise<Engine> {
  restoreRemovedNodeFunctions();
  try {
    await import('@tensorflow/tfjs-node');
  } catch (error) {
    const reason = (reasonOf(error).split('\n')[0] ?? '').replace(/[.\s]+$/, '');
    throw new AtollError('UNAVAILABLE', `cannot load the engine tfjs-node: ${reason}`, { cause: error });
  }
  await tf.setBackend('tensorflow');
  const backend = tf.backend() as tf.KernelBackend & NodeBackend;
  const pool = findMaxPool(backend);
  return {
    name: 'tfjs-node',
    versions: { tfjs: tf.version_core, tensorflow: backend.binding.TF_Version, maxPool: pool.made },
    openSession: (options) => openTfjsSession(options, pool.maxPool),
  };
}

/** tfjs-node 4.22 calls two functions of node:util that Node 23 removed; its fix is merged upstream and not released. */
function restoreRemovedNodeFunctions(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}
