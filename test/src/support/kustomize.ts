import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { cachePaths } from '@atoll/base/cache';
import { repositoryRoot } from './repository.js';

const { kubectl } = cachePaths(process.env);

/** Why tests that render are skipped, or false when kubectl is there or must be: without it they then fail. */
export const kubectlMissing: string | false =
  existsSync(kubectl) || process.env['ATOLL_REQUIRE_KUBE'] === '1'
    ? false
    : `kubectl is not at ${kubectl}: npm test fetches it where pip is`;

/** As much of a Kubernetes object as the tests look at. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Workload;
}

interface Workload {
  readonly replicas?: number;
  readonly selector?: { readonly matchLabels?: Labels } & Labels;
  readonly podSelector?: { readonly matchLabels?: Labels };
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
}

type Labels = Readonly<Record<string, unknown>>;

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: { readonly runAsNonRoot?: boolean; readonly seccompProfile?: { readonly type: string } };
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly resources?: { readonly requests?: Labels; readonly limits?: Labels };
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[] };
  };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly ports?: readonly { readonly containerPort: number }[];
}

type Probe = Readonly<Record<string, unknown>>;

/** Renders a folder of k8s/ with a real kubectl. */
export async function render(folder: string): Promise<readonly KubeObject[]> {
  const { stdout } = await promisify(execFile)(kubectl, ['kustomize', join(repositoryRoot, 'k8s', folder)], {
    timeout: 60_000,
    maxBuffer: 2 ** 24,
  });
  const documents = parseAllDocuments(stdout, { uniqueKeys: true });
  assert.deepEqual(
    documents.flatMap((document) => document.errors),
    [],
  );
  return documents.map((document) => document.toJS() as KubeObject);
}

/** The objects that make pods, each with its pod. */
export function pods(objects: readonly KubeObject[]): readonly (KubeObject & { readonly pod: PodSpec })[] {
  return objects.flatMap((object) => {
    const pod = object.spec?.template?.spec;
    return pod === undefined ? [] : [{ ...object, pod }];
  });
}
