import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readText, repositoryRoot } from '../support/repository.js';

describe('deploy/systemd', () => {
  const unit = join(repositoryRoot, 'deploy/systemd/atoll-edge-inference.service');
  const systemd = spawnSync('systemd-analyze', ['--version'], { timeout: 20_000 });
  const skip = systemd.status === 0 ? false : 'systemd-analyze is not on PATH: install systemd to check the unit';

  test('systemd understands every line of the unit', { skip }, () => {
    const read = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8', timeout: 60_000 });
    const about = read.stderr
      .split('\n')
      .filter((line) => line.includes('atoll-edge-inference') && !/not executable|No such file/.test(line));
    assert.deepEqual(about, []);
  });

  test('the example of its settings gives what the service requires', async () => {
    const example = await readText('deploy/systemd/edge-inference.env.example');
    const names = [...example.matchAll(/^(ATOLL_\w+)=/gm)].map((match) => match[1]);
    for (const required of ['NODE_ID', 'NATS_CREDENTIALS', 'NODE_KEY', 'BUILD_KEYS', 'DIRECTOR_KEYS', 'REGISTRY']) {
      assert.ok(names.includes(`ATOLL_EDGE_INFERENCE_${required}`), required);
    }
  });
});
