import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { type KubeObject, kubectlMissing, pods, render } from '../support/kustomize.js';

const skip = kubectlMissing;
const folders = ['base', 'overlays/dev', 'overlays/edge'] as const;

type Model = new (data: never) => { validate(): void };

/** The kinds that k8s/ uses, by API version; a new kind is a new line. */
const models: Readonly<Record<string, Readonly<Record<string, Model>>>> = {
  v1: { Namespace, Service },
  'apps/v1': { StatefulSet, DaemonSet },
  'policy/v1': { PodDisruptionBudget },
  'networking.k8s.io/v1': { NetworkPolicy },
};

/** Throws what the schema of the object's kind says of it. */
function checkSchema(object: KubeObject): void {
  const Known = models[object.apiVersion]?.[object.kind];
  assert.ok(Known !== undefined, `there is no ${object.apiVersion} ${object.kind}`);
  new Known(object as never).validate();
}

const titled = (object: KubeObject): string => `${object.kind} ${object.metadata.name}`;

for (const folder of folders) {
  describe(`k8s/${folder}`, { skip }, () => {
    test('every object is of a known kind and keeps its schema', async () => {
      const objects = await render(folder);
      assert.ok(objects.length >= 5, `only ${objects.length} objects`);
      for (const object of objects) checkSchema(object);
    });

    test('every object but a namespace has a namespace, and none comes twice', async () => {
      const objects = await render(folder);
      const keys = objects.map((object) => `${object.metadata.namespace ?? ''}/${titled(object)}`);
      assert.deepEqual(
        keys.filter((key, index) => keys.indexOf(key) !== index),
        [],
      );
      assert.deepEqual(
        objects.filter((object) => object.kind !== 'Namespace' && object.metadata.namespace === undefined).map(titled),
        [],
      );
    });

    test('every pod has probes, resources, no service links and no token', async () => {
      for (const object of pods(await render(folder))) {
        const { pod } = object;
        assert.equal(pod.enableServiceLinks, false, titled(object));
        assert.equal(pod.automountServiceAccountToken, false, titled(object));
        for (const container of pod.containers) {
          const probe = container.image.startsWith('nats:') ? 'httpGet' : 'grpc';
          assert.ok(container.readinessProbe !== undefined, titled(object));
          assert.ok(container.startupProbe?.[probe] !== undefined, titled(object));
          assert.ok(container.livenessProbe?.[probe] !== undefined, titled(object));
          assert.ok(container.resources?.requests?.['cpu'] !== undefined, titled(object));
          assert.ok(container.resources.limits?.['memory'] !== undefined, titled(object));
          assert.match(container.image, /:[\w.-]+$/, titled(object));
        }
      }
    });

    test('every pod outside the edge namespace keeps the level restricted', async () => {
      for (const object of pods(await render(folder))) {
        if (object.metadata.namespace === 'atoll-edge') continue;
        const { pod } = object;
        assert.equal(pod.securityContext?.runAsNonRoot, true, titled(object));
        assert.equal(pod.securityContext.seccompProfile?.type, 'RuntimeDefault', titled(object));
        assert.deepEqual(pod.volumes?.filter((volume) => volume.hostPath !== undefined) ?? [], [], titled(object));
        for (const { securityContext } of pod.containers) {
          assert.equal(securityContext?.allowPrivilegeEscalation, false, titled(object));
          assert.equal(securityContext.readOnlyRootFilesystem, true, titled(object));
          assert.deepEqual(securityContext.capabilities?.drop, ['ALL'], titled(object));
        }
      }
    });

    test('pods that may use an accelerator lock it where all others of the machine do', async () => {
      const locks = '/dev/shm/atoll-devices';
      for (const object of pods(await render(folder))) {
        const mounts = object.pod.containers.flatMap((container) => container.volumeMounts ?? []);
        if (!mounts.some(({ mountPath }) => mountPath === '/dev/bus/usb')) continue;
        const mount = mounts.find(({ mountPath }) => mountPath === locks);
        const volume = object.pod.volumes?.find(({ name }) => name === mount?.name);
        assert.equal(volume?.hostPath?.path, locks, titled(object));
      }
    });

    test('every selector finds a pod, every mount a volume', async () => {
      const objects = await render(folder);
      const all = pods(objects);
      for (const object of objects) {
        const spec = object.spec;
        const wanted =
          object.kind === 'Service' ? spec?.selector : (spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels);
        if (wanted === undefined) continue;
        const found = all.some(
          (pod) =>
            pod.metadata.namespace === object.metadata.namespace &&
            Object.entries(wanted).every(([key, value]) => pod.spec?.template?.metadata.labels[key] === value),
        );
        assert.ok(found, `${titled(object)} selects nothing`);
      }
      for (const object of all) {
        const spec = object.spec as {
          readonly volumeClaimTemplates?: readonly { readonly metadata: { name: string } }[];
        };
        const volumes = new Set([
          ...(object.pod.volumes ?? []).map((volume) => volume.name),
          ...(spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name),
        ]);
        const mounted = new Set(
          object.pod.containers.flatMap((container) => container.volumeMounts ?? []).map((m) => m.name),
        );
        assert.deepEqual([...mounted].toSorted(), [...volumes].toSorted(), titled(object));
      }
    });

    test('each namespace denies what no policy allows', async () => {
      const objects = await render(folder);
      const namespaces = new Set(pods(objects).map((object) => object.metadata.namespace));
      for (const namespace of namespaces) {
        const denies = objects.some(
          ({ kind, metadata }) =>
            kind === 'NetworkPolicy' && metadata.namespace === namespace && metadata.name === 'default-deny',
        );
        assert.ok(denies, namespace);
      }
    });
  });
}

describe('checkSchema()', () => {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } };

  test('refuses a misspelled kind', () => {
    assert.throws(() => checkSchema({ ...namespace, kind: 'Namspace' }), /there is no v1 Namspace/);
  });

  test('refuses a field of the wrong type and one that is missing', () => {
    const daemonSet = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'a' } };
    const template = { metadata: { labels: {} }, spec: { containers: [] } };
    assert.throws(() => checkSchema({ ...daemonSet, spec: { template } } as KubeObject), /selector/);
    const wrong = { ...daemonSet, spec: { template, selector: { matchLabels: { a: 1 } } } };
    assert.throws(() => checkSchema(wrong as unknown as KubeObject), /string/);
  });
});
