/** What each process of a fleet on this machine is started with. Pure: it decides from folders, ports, keys and the environment. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from '@atoll/base/env';
import type { ChildSpec } from './child.js';
import type { FleetKeys, NodeKeys } from './fleet-keys.js';

/** What all of them share. */
export interface FleetSetting {
  readonly dataDir: string;
  readonly env: Env;
  readonly keys: FleetKeys;
  /** True: every server takes any free port; false: the default ports. */
  readonly anyPorts: boolean;
}

/** Where the default ports begin. */
export const defaultPorts = {
  trainer: 7401,
  quantizerCompiler: 7402,
  registry: 7403,
  rollout: 7404,
  firstNode: 7411,
} as const;

/** Names that any program may need, whoever it is. */
const plainNames = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'NODE_OPTIONS',
  'XDG_CACHE_HOME',
  'ATOLL_CACHE',
  'ATOLL_LOG',
  'EDGETPU_COMPILER',
];

/** The trainer's process. */
export function trainerSpec(setting: FleetSetting): ChildSpec {
  return service(setting, 'trainer', '@atoll/trainer/service', 'ATOLL_TRAINER_', {
    ATOLL_TRAINER_LISTEN: listen(setting, 'ATOLL_TRAINER_LISTEN', defaultPorts.trainer),
  });
}

/** The quantizer-compiler's process. */
export function quantizerSpec(setting: FleetSetting): ChildSpec {
  return service(setting, 'quantizer-compiler', '@atoll/quantizer-compiler/service', 'ATOLL_QUANTIZER_COMPILER_', {
    ATOLL_QUANTIZER_COMPILER_LISTEN: listen(setting, 'ATOLL_QUANTIZER_COMPILER_LISTEN', defaultPorts.quantizerCompiler),
  });
}

/** The registry's process. */
export function registrySpec(setting: FleetSetting): ChildSpec {
  return service(setting, 'registry', '@atoll/registry/service', 'ATOLL_REGISTRY_', {
    ATOLL_REGISTRY_LISTEN: listen(setting, 'ATOLL_REGISTRY_LISTEN', defaultPorts.registry),
    ATOLL_REGISTRY_BUILD_KEYS: setting.keys.buildPublicPath,
  });
}

/** The rollout controller's process. */
export function rolloutSpec(
  setting: FleetSetting,
  at: { readonly nats: string; readonly registry: string },
): ChildSpec {
  return service(setting, 'rollout', '@atoll/rollout/service', 'ATOLL_ROLLOUT_', {
    ATOLL_ROLLOUT_LISTEN: listen(setting, 'ATOLL_ROLLOUT_LISTEN', defaultPorts.rollout),
    ATOLL_ROLLOUT_REGISTRY: at.registry,
    ATOLL_NATS_URL: at.nats,
    ATOLL_ROLLOUT_NATS_CREDENTIALS: setting.keys.controllerCredentialsPath,
    ATOLL_ROLLOUT_DIRECTOR_KEY: setting.keys.directorKeyPath,
    ATOLL_ROLLOUT_BUILD_KEYS: setting.keys.buildPublicPath,
    ATOLL_ROLLOUT_NODES: enrolmentPath(setting.dataDir),
  });
}

/** A node's process; `address` is the one that it had before, undefined at its first start. */
export function nodeSpec(
  setting: FleetSetting,
  keys: NodeKeys,
  index: number,
  at: { readonly nats: string; readonly registry: string },
  address?: string,
): ChildSpec {
  return service(setting, keys.id, '@atoll/edge-inference/service', 'ATOLL_EDGE_INFERENCE_', {
    ATOLL_EDGE_INFERENCE_LISTEN: address ?? nodeListen(setting, index),
    ATOLL_EDGE_INFERENCE_NODE_ID: keys.id,
    ATOLL_EDGE_INFERENCE_LABELS: labelText(nodeLabels(index)),
    ATOLL_EDGE_INFERENCE_REGISTRY: at.registry,
    ATOLL_NATS_URL: at.nats,
    ATOLL_EDGE_INFERENCE_NATS_CREDENTIALS: keys.credentialsPath,
    ATOLL_EDGE_INFERENCE_NODE_KEY: keys.keyPath,
    ATOLL_EDGE_INFERENCE_BUILD_KEYS: setting.keys.buildPublicPath,
    ATOLL_EDGE_INFERENCE_DIRECTOR_KEYS: setting.keys.directorPublicPath,
    // Nodes that share a machine would each time the same models, and be slow to each other meanwhile.
    ATOLL_EDGE_INFERENCE_BACKEND_TRIALS: setting.env['ATOLL_EDGE_INFERENCE_BACKEND_TRIALS'] ?? 'off',
  });
}

/** nats-server's process. */
export function hubSpec(setting: FleetSetting, program: string): ChildSpec {
  const folder = natsFolder(setting.dataDir);
  return {
    name: 'nats-server',
    args: [
      '--enable-source-maps',
      fileURLToPath(new URL('./hub.js', import.meta.url)),
      program,
      join(folder, 'server.conf'),
      folder,
    ],
    env: picked(setting.env, () => false),
    logPath: logPath(setting.dataDir, 'nats-server'),
  };
}

/** Labels of the nodes of a fleet on one machine. */
export function nodeLabels(index: number): Readonly<Record<string, string>> {
  return { site: 'local', slot: String(index + 1) };
}

/** The operator's list of nodes that the rollout controller reads. */
export function enrolmentPath(dataDir: string): string {
  return join(dataDir, 'nodes.json');
}

/** Folder of nats-server's configuration, ports file and store. */
export function natsFolder(dataDir: string): string {
  return join(dataDir, 'nats');
}

/** Where a process of the fleet logs to. */
export function logPath(dataDir: string, name: string): string {
  return join(dataDir, 'logs', `${name}.log`);
}

function service(setting: FleetSetting, name: string, module: string, prefix: string, own: Env): ChildSpec {
  const main = fileURLToPath(new URL('main.js', import.meta.resolve(module)));
  return {
    name,
    args: ['--enable-source-maps', main, '--follow-stdin'],
    env: { ...picked(setting.env, (key) => key.startsWith(prefix)), ATOLL_DATA_DIR: setting.dataDir, ...own },
    logPath: logPath(setting.dataDir, name),
  };
}

/** What passes on of the environment: names for everybody, those of TensorFlow, OpenMP and OpenTelemetry, and those that `isOwn` names. */
function picked(env: Env, isOwn: (name: string) => boolean): Env {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => plainNames.includes(name) || /^(TF|OMP|KMP|OTEL)_/.test(name) || isOwn(name),
    ),
  );
}

/** What the person set, else any free port or the default one, on loopback. */
function listen({ anyPorts, env }: FleetSetting, name: string, port: number): string {
  return env[name] ?? `127.0.0.1:${anyPorts ? 0 : port}`;
}

/** The first node listens where `ATOLL_EDGE_INFERENCE_LISTEN` says; each further one a port above. */
function nodeListen(setting: FleetSetting, index: number): string {
  const first = listen(setting, 'ATOLL_EDGE_INFERENCE_LISTEN', defaultPorts.firstNode);
  const [, host, port] = /^(.*):(\d+)$/.exec(first) ?? [];
  return host === undefined || port === '0' ? first : `${host}:${Number(port) + index}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
