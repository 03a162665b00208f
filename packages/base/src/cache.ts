import { join } from 'node:path';
import type { Env } from './env.js';

/** Where the parts that npm does not bring lie; set-up fills them, everything else only reads. A file may be absent. */
export interface CachePaths {
  readonly root: string;
  readonly natsServer: string;
  readonly liteRt: string;
  readonly tfLite: string;
  /** Folder with libtensorflow_cc.so.2, libtensorflow_framework.so.2 and tfjs_binding.node. */
  readonly tensorflow: string;
  /** The six demo classes of CIFAR-10 as train/CLASS/*.png and test/CLASS/*.png. */
  readonly cifar: string;
  readonly kubectl: string;
}

/** The versions that set-up pins and that the paths carry. */
export const pinned = {
  natsServer: '2.15.1',
  liteRt: '2.3.0',
  tfLite: '2.9.0',
  tensorflow: '2.12.1',
  kubectl: '1.37.1',
} as const;

/** Resolves ATOLL_CACHE, else XDG_CACHE_HOME/atoll, else HOME/.cache/atoll, into the fixed layout of the cache. */
export function cachePaths(env: Env): CachePaths {
  const root = env['ATOLL_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? '/tmp', '.cache'), 'atoll');
  return {
    root,
    natsServer: join(root, `nats-server-${pinned.natsServer}`, 'nats-server'),
    liteRt: join(root, `litert-${pinned.liteRt}`, 'libLiteRt.so'),
    tfLite: join(root, `tflite-${pinned.tfLite}`, 'libtensorflowlite_c.so'),
    tensorflow: join(root, `tensorflow-${pinned.tensorflow}`),
    cifar: join(root, 'cifar10-6'),
    kubectl: join(root, `kubectl-${pinned.kubectl}`, 'kubectl'),
  };
}
