import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compose } from '../support/compose.js';
import { kubectlMissing, pods, render } from '../support/kustomize.js';
import { repositoryRoot } from '../support/repository.js';

type Settings = Readonly<Record<string, string>>;

/** What a service says on standard error when it is started with these settings, elsewhere than there, and asked to end at once. */
async function saysOf(service: string, settings: Settings): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'atoll-settings-'));
  const listens = Object.keys(settings).filter((name) => name.endsWith('_LISTEN'));
  const here = Object.fromEntries(listens.map((name) => [name, `unix:${join(work, 'socket')}`]));
  const main = join(repositoryRoot, 'services', service, 'dist/main.js');
  const child = spawn(process.execPath, [main, '--follow-stdin'], {
    env: { ...settings, ...here, ATOLL_DATA_DIR: work },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  });
  try {
    let says = '';
    child.stderr.on('data', (chunk: Buffer) => {
      says += chunk.toString('utf8');
    });
    await new Promise((resolve) => child.on('close', resolve));
    return says;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const refused = /cannot read the configuration|Cannot find module/;
const serviceOf = (image: string): string | undefined => /^atoll\/([\w-]+)(:|$)/.exec(image)?.[1];

describe('settings of deployments', () => {
  test('a misspelled name is refused at start, so that these tests can fail', async () => {
    assert.match(await saysOf('trainer', { ATOLL_TRAINER_LISTN: '127.0.0.1:0' }), refused);
  });

  test('every service takes what deploy/compose.yaml sets, and lacks nothing', async () => {
    for (const [name, { image, environment }] of Object.entries((await compose()).services)) {
      const service = serviceOf(image);
      if (service !== undefined) assert.doesNotMatch(await saysOf(service, environment ?? {}), refused, name);
    }
  });

  for (const folder of ['base', 'overlays/edge']) {
    test(`every service takes what k8s/${folder} sets, and lacks nothing`, { skip: kubectlMissing }, async () => {
      for (const { metadata, pod } of pods(await render(folder))) {
        for (const { image, env = [] } of pod.containers) {
          const service = serviceOf(image);
          // What the cluster fills in is the name of the machine or an address.
          const settings = Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'machine-1']));
          if (service !== undefined) assert.doesNotMatch(await saysOf(service, settings), refused, metadata.name);
        }
      }
    });
  }
});
