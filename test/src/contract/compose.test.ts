import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compose, composePath as path } from '../support/compose.js';
import { readText, repositoryRoot } from '../support/repository.js';

const docker = spawnSync('docker', ['compose', 'version'], { timeout: 20_000 });
const withoutCompose = docker.status === 0 ? false : 'docker compose is not installed: the structure alone is checked';

describe(path, () => {
  test('docker compose reads it', { skip: withoutCompose }, () => {
    const read = spawnSync('docker', ['compose', '-f', join(repositoryRoot, path), 'config', '--quiet'], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(read.status, 0, read.stderr);
    assert.equal(read.stderr, '');
  });

  test('holds the hub, each service once, and two nodes', async () => {
    const { services } = await compose();
    assert.deepEqual(Object.keys(services).toSorted(), [
      'nats',
      'node-1',
      'node-2',
      'quantizer-compiler',
      'registry',
      'rollout',
      'trainer',
    ]);
  });

  test('publishes every port on loopback, each once', async () => {
    const { services } = await compose();
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    assert.ok(ports.length >= 7);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    const hosts = ports.map((port) => port.split(':')[1]);
    assert.equal(new Set(hosts).size, hosts.length);
  });

  test('mounts only volumes that it declares and files of its own folder, and uses each volume', async () => {
    const { services, volumes } = await compose();
    const mounts = Object.values(services).flatMap((service) => service.volumes ?? []);
    const sources = mounts.map((mount) => mount.split(':')[0] ?? '');
    const named = sources.filter((source) => !source.startsWith('./keys/'));
    assert.deepEqual([...new Set(named)].toSorted(), Object.keys(volumes).toSorted());
    assert.deepEqual(
      mounts.filter((mount) => mount.startsWith('./') && !mount.endsWith(':ro')),
      [],
    );
  });

  test('every service has a health check, drops all capabilities and cannot write its image', async () => {
    const dockerfile = await readText('deploy/Dockerfile');
    assert.match(dockerfile, /^HEALTHCHECK /m);
    for (const [name, service] of Object.entries((await compose()).services)) {
      assert.ok(service.healthcheck !== undefined || service.image.startsWith('atoll/'), name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
      assert.equal(service.read_only, true, name);
      assert.equal(service.privileged, undefined, name);
      if (service.image.startsWith('atoll/')) assert.match(service.user ?? '', /^[1-9]\d*:[1-9]\d*$/, name);
    }
  });

  test('each service is built as what its image says, and listens where its port leads', async () => {
    for (const [name, { image, build, environment, ports }] of Object.entries((await compose()).services)) {
      if (build === undefined) continue;
      const { SERVICE: service, PORT: port } = build.args;
      assert.equal(image.split(':')[0], `atoll/${service ?? ''}`, name);
      const listens = Object.entries(environment ?? {}).find(([key]) => key.endsWith('_LISTEN'))?.[1];
      assert.equal(listens, `0.0.0.0:${port ?? ''}`, name);
      assert.ok(
        ports?.some((published) => published.endsWith(`:${port ?? ''}`)),
        name,
      );
    }
  });

  test('whatever a service waits for is there and has a health check', async () => {
    const { services } = await compose();
    for (const [name, service] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.ok(services[other] !== undefined, `${name} waits for ${other}`);
        assert.equal(condition, 'service_healthy');
      }
    }
  });

  test('every build argument is one that the Dockerfile takes', async () => {
    const taken = [...(await readText('deploy/Dockerfile')).matchAll(/^ARG (\w+)/gm)].map((match) => match[1]);
    for (const [name, { build }] of Object.entries((await compose()).services)) {
      for (const argument of Object.keys(build?.args ?? {}))
        assert.ok(taken.includes(argument), `${name}: ${argument}`);
    }
  });
});
