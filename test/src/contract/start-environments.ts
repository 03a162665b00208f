import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readCredentials } from '@atoll/bus/credentials';
import { findNatsServer, natsServerMissing, startTestServer } from '@atoll/bus/test-server';
import { repositoryRoot } from '../support/repository.js';

/** What each service needs, at the least, to start by itself on a free port. */
export interface StartEnvironment {
  readonly service: string;
  /** Why this machine cannot start it, or false. */
  readonly skip: string | false;
  /** Makes what the environment names; `keys` is a folder that does not exist yet. */
  readonly prepare: (keys: string) => Promise<Prepared>;
}

/** An environment, and what ends that which stands behind it. */
export interface Prepared {
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

const alone = (env: Readonly<Record<string, string>>): Promise<Prepared> =>
  Promise.resolve({ env, stop: () => Promise.resolve() });
const natsServer = await findNatsServer(process.env);
const makeKeys = (keys: string): Promise<unknown> =>
  promisify(execFile)(process.execPath, [join(repositoryRoot, 'deploy/dist/keys/main.js'), keys, 'node-1']);

/** The services of which images are made. */
export const startEnvironments: readonly StartEnvironment[] = [
  { service: 'trainer', skip: false, prepare: () => alone({ ATOLL_TRAINER_LISTEN: '127.0.0.1:0' }) },
  {
    service: 'quantizer-compiler',
    skip: false,
    prepare: () => alone({ ATOLL_QUANTIZER_COMPILER_LISTEN: '127.0.0.1:0' }),
  },
  {
    service: 'registry',
    skip: false,
    prepare: async (keys) => {
      await makeKeys(keys);
      return alone({
        ATOLL_REGISTRY_LISTEN: '127.0.0.1:0',
        ATOLL_REGISTRY_BUILD_KEYS: join(keys, 'build.pub.pem'),
      });
    },
  },
  {
    service: 'rollout',
    skip: natsServer === undefined ? natsServerMissing : false,
    prepare: async (keys) => {
      await makeKeys(keys);
      const { publicNkey } = await readCredentials(join(keys, 'controller.seed'));
      const nats = await startTestServer(natsServer ?? '', { controllerPublicNkey: publicNkey, nodes: [] });
      return {
        env: {
          ATOLL_ROLLOUT_LISTEN: '127.0.0.1:0',
          ATOLL_ROLLOUT_DIRECTOR_KEY: join(keys, 'director.pem'),
          ATOLL_ROLLOUT_BUILD_KEYS: join(keys, 'build.pub.pem'),
          ATOLL_ROLLOUT_NATS_CREDENTIALS: join(keys, 'controller.seed'),
          ATOLL_ROLLOUT_NODES: join(keys, 'nodes.json'),
          ATOLL_NATS_URL: nats.url,
        },
        stop: () => nats.stop(),
      };
    },
  },
  { service: 'edge-inference', skip: false, prepare: () => alone({ ATOLL_EDGE_INFERENCE_LISTEN: '127.0.0.1:0' }) },
];
