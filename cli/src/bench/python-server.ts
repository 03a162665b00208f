import type { Env } from '@atoll/base/env';
import { type BenchServer, freePort, spawnServer } from './bench-server.js';
import { benchScript } from './nets.js';

/** KServe's or MLServer's Python server; `python` is that of its environment. */
export function pythonServer(kind: 'kserve' | 'mlserver', python: string, env: Env): BenchServer {
  return {
    name: kind === 'kserve' ? 'KServe 0.21.0' : 'MLServer 1.7.1',
    ours: false,
    setUp: '1 process, model within the server, 1 thread',
    async start(model, signal) {
      const ports = [await freePort(), await freePort(), await freePort()];
      const args = [benchScript('serve-python.py'), kind, model.name, model.path, ...ports.map(String)];
      return await spawnServer({ command: python, args, env, address: `127.0.0.1:${ports[0]}` }, model.name, signal);
    },
  };
}
