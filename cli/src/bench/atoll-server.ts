import { fileURLToPath } from 'node:url';
import type { Env } from '@atoll/base/env';
import { type BenchServer, freePort, spawnServer } from './bench-server.js';

/** Atoll's node as a service of its own, with the model as a file or the newest of a repository's; all of its configuration is environment. */
export function atollServer(env: Env, slots: number, repository?: string): BenchServer {
  const main = fileURLToPath(new URL('main.js', import.meta.resolve('@atoll/edge-inference/service')));
  return {
    name: slots === 1 ? 'Atoll' : `Atoll, ${slots} slots`,
    ours: true,
    setUp: `${slots} ${slots === 1 ? 'slot' : 'slots'}, 1 thread each`,
    async start(model, signal) {
      const address = `127.0.0.1:${await freePort()}`;
      const http = `127.0.0.1:${await freePort()}`;
      const own: Env = {
        ...Object.fromEntries(
          Object.entries(env).filter(([name]) => !name.startsWith('ATOLL_') || name === 'ATOLL_CACHE'),
        ),
        ATOLL_EDGE_INFERENCE_LISTEN: address,
        ATOLL_EDGE_INFERENCE_HTTP_LISTEN: http,
        ATOLL_EDGE_INFERENCE_SLOTS: String(slots),
        ...(repository === undefined
          ? { ATOLL_EDGE_INFERENCE_MODELS: `${model.name}=${model.path}` }
          : { ATOLL_EDGE_INFERENCE_REPOSITORY: repository }),
      };
      return await spawnServer(
        { command: process.execPath, args: [main], env: own, address, http },
        model.name,
        signal,
      );
    },
  };
}
