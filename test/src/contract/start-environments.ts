import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair, writePublicKeys } from '@atoll/release/keys';

/** What each service needs, at the least, to start by itself on a free port. */
export interface StartEnvironment {
  readonly service: string;
  /** Makes what the environment names; `folder` does not exist yet. */
  readonly prepare: (folder: string) => Promise<Readonly<Record<string, string>>>;
}

/** The services of which images are made. */
export const startEnvironments: readonly StartEnvironment[] = [
  { service: 'trainer', prepare: () => Promise.resolve({ ATOLL_TRAINER_LISTEN: '127.0.0.1:0' }) },
  {
    service: 'quantizer-compiler',
    prepare: () => Promise.resolve({ ATOLL_QUANTIZER_COMPILER_LISTEN: '127.0.0.1:0' }),
  },
  {
    service: 'registry',
    prepare: async (folder) => {
      await mkdir(folder);
      const trust = join(folder, 'build.pub.pem');
      await writePublicKeys(trust, [generateKeyPair().publicKey]);
      return { ATOLL_REGISTRY_LISTEN: '127.0.0.1:0', ATOLL_REGISTRY_BUILD_KEYS: trust };
    },
  },
  { service: 'edge-inference', prepare: () => Promise.resolve({ ATOLL_EDGE_LISTEN: '127.0.0.1:0' }) },
];
