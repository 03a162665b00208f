/**
 * The direction of imports, held as data, and a checker that compares one source with it.
 *
 *   base <- proto <- {rpc, bus}     base <- {artifacts, release, tflite <- edgetpu <- runtime}     packages <- services, cli     all <- test
 *   inside a service: main -> service -> {rpc, events, touching} -> deciding -> {base, tflite, edgetpu, release}
 *
 * It decides from a path and the names in a source alone; it never follows an import.
 */
import { posix } from 'node:path';
import type { Source } from './source.js';

const packageImports: Readonly<Record<string, readonly string[]>> = {
  base: [],
  proto: ['base'],
  rpc: ['base', 'proto'],
  bus: ['base', 'proto'],
  artifacts: ['base', 'proto', 'rpc'],
  release: ['base', 'proto'],
  database: ['base'],
  tflite: ['base'],
  edgetpu: ['base', 'tflite'],
  runtime: ['base', 'tflite', 'edgetpu'],
  image: ['base'],
  charts: [],
  jobs: ['base', 'proto'],
};
const allPackages = Object.keys(packageImports);

/** The deciding parts of each service: folders, or single files at the root of src. */
const decidingParts: Readonly<Record<string, readonly string[]>> = {
  trainer: ['augment', 'model', 'dataset/photo', 'dataset/split', 'dataset/data-version'],
  'quantizer-compiler': [
    'graph',
    'passes',
    'quantize',
    'write',
    'report',
    'compare/agreement',
    'calibrate',
    'tune/tune',
    'tune/judged-graph',
    'tune/outputs-error',
    'judge/tensor-errors',
    'judge/warnings',
    'judge/tensor-details',
    'judge/comparison',
  ],
  registry: ['releases'],
  'edge-inference': [
    'swap/state',
    'swap/policy',
    'swap/lease',
    'swap/target',
    'swap/room',
    'swap/traffic',
    'swap/comparison',
    'swap/judge',
    'swap/trial',
    'swap/decisions',
    'swap/too-slow',
    'agent/clock',
    'agent/decide',
    'agent/soak',
    'agent/journal-text',
    'admit',
    'stats',
    'backends/choose',
    'metrics/family',
    'metrics/numbers',
    'metrics/version-families',
    'metrics/node-families',
    'models/repository/layout',
    'http/routes',
  ],
  rollout: ['plan', 'decide'],
};
const services = Object.keys(decidingParts);
const decidingPackages = new Set(['base', 'tflite', 'edgetpu', 'release']);
/** Modules of base that touch the outside. */
const touchingBase = new Set(['files', 'lifecycle', 'eventually', 'retry']);
/** Node's modules that only compute. */
const computingModules = new Set(['node:crypto', 'node:util', 'node:buffer', 'node:path']);

/** Libraries that only these workspaces may know, so that each has one skin. */
const homes: readonly (readonly [library: RegExp, homes: readonly string[]])[] = [
  [/^@nats-io\//, ['packages/bus']],
  [/^(@grpc\/|@bufbuild\/protobuf)/, ['packages/rpc', 'packages/proto']],
  [/^(koffi$|@litertjs\/)/, ['packages/runtime']],
  [/^sharp$/, ['packages/image', 'scripts']],
  [/^flatbuffers$/, ['packages/tflite', 'packages/edgetpu']],
  [/^@tensorflow\//, ['services/trainer']],
  [/^vega/, ['packages/charts']],
  [/^@photostructure\/sqlite$/, ['packages/database']],
  [/^commander$/, ['cli']],
  [/^(prom-client$|@opentelemetry\/)/, ['services/edge-inference']],
];

/** A source's place: the workspace, and the path below its src. */
interface Place {
  readonly workspace: string;
  readonly inner: string;
  readonly isTest: boolean;
}

/** Every fault of one source against the table, as `path:line: what is wrong`; empty when it keeps the direction. */
export function layerFaults(source: Source): readonly string[] {
  const place = placeOf(source.path);
  if (place === undefined) return [`${source.path}:1: it is in no workspace that the table knows`];
  const faults: string[] = [];
  for (const { specifier, line } of source.imports) {
    const fault = importFault(place, specifier);
    if (fault !== undefined) faults.push(`${source.path}:${line}: imports ${specifier}: ${fault}`);
  }
  for (const { name, line } of source.globals) {
    const fault = globalFault(place, name);
    if (fault !== undefined) faults.push(`${source.path}:${line}: uses ${name}: ${fault}`);
  }
  return faults;
}

function placeOf(path: string): Place | undefined {
  const match = /^(packages\/[^/]+|services\/[^/]+|cli|scripts|deploy|test)\/src\/(.+)$/.exec(path);
  if (match === null) return undefined;
  const [, workspace = '', inner = ''] = match;
  const [group, name = ''] = workspace.split('/');
  if (group === 'packages' && !allPackages.includes(name)) return undefined;
  if (group === 'services' && !services.includes(name)) return undefined;
  return { workspace, inner, isTest: inner.endsWith('.test.ts') || inner.endsWith('-for-tests.ts') };
}

function importFault(place: Place, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return relativeFault(place, specifier);
  const own = /^@atoll\/([^/]+)\/(.+)$/.exec(specifier);
  if (own !== null) return workspaceFault(place, own[1] ?? '', own[2] ?? '');
  if (specifier.startsWith('node:')) return builtinFault(place, specifier);
  return libraryFault(place, specifier);
}

function workspaceFault(place: Place, target: string, module: string): string | undefined {
  if (services.includes(target)) {
    if (place.workspace !== 'cli' && place.workspace !== 'test') return 'only cli and test may import a service';
    return module === 'service' ? undefined : 'a service is entered by ./service alone';
  }
  if (place.workspace === 'test' || (place.isTest && allPackages.includes(target))) return undefined;
  const allowed = allowedPackages(place);
  if (!allowed.has(target)) return `${layerName(place)} may import ${[...allowed].join(', ') || 'no package'}`;
  if (isDeciding(place) && target === 'base' && touchingBase.has(module))
    return 'deciding code touches nothing outside';
  return undefined;
}

function allowedPackages(place: Place): ReadonlySet<string> {
  const [group = '', name = ''] = place.workspace.split('/');
  if (group === 'packages') return new Set([name, ...(packageImports[name] ?? [])]);
  if (group === 'scripts') return new Set(['base']);
  if (group === 'deploy') return new Set(['base', 'rpc', 'bus', 'release']);
  return isDeciding(place) ? decidingPackages : new Set(allPackages);
}

function builtinFault(place: Place, specifier: string): string | undefined {
  if (place.isTest) return undefined;
  if (place.workspace === 'packages/tflite' && /^node:(fs|child_process|net)/.test(specifier)) {
    return 'tflite knows bytes, not files';
  }
  if (isDeciding(place) && !computingModules.has(specifier)) return 'deciding code touches nothing outside';
  return undefined;
}

function libraryFault(place: Place, specifier: string): string | undefined {
  if (place.workspace === 'test' || place.isTest) return undefined;
  if (place.workspace === 'packages/base') return 'base has no dependencies';
  if (isDeciding(place)) return 'deciding code knows no library';
  const home = homes.find(([library]) => library.test(specifier))?.[1];
  if (home === undefined || home.includes(place.workspace)) return undefined;
  return `only ${home.join(', ')} may know it`;
}

function relativeFault(place: Place, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(place.inner), specifier);
  if (target.startsWith('..')) return 'it leaves the workspace: import it by its package name';
  if (!specifier.endsWith('.js')) return 'a relative import ends in .js';
  if (!place.workspace.startsWith('services/') || place.isTest) return undefined;
  const from = rankOf(place.workspace, place.inner);
  const to = rankOf(place.workspace, target);
  if (to.rank > from.rank) return `${from.name} may not import ${to.name}`;
  return undefined;
}

interface Rank {
  readonly rank: number;
  readonly name: string;
}

/** Where a file of a service stands: an import may go to the same rank or a lower one. */
function rankOf(workspace: string, inner: string): Rank {
  const path = inner.replace(/\.(js|ts)$/, '');
  if (path === 'main') return { rank: 5, name: 'main' };
  // A node and its doors are parts of its service that are brought later.
  if (path === 'service' || path === 'node' || path === 'doors') return { rank: 4, name: 'service' };
  if (isDecidingPath(workspace, path)) return { rank: 1, name: 'a deciding part' };
  if (path.startsWith('rpc/')) return { rank: 3, name: 'rpc' };
  return { rank: 2, name: 'a touching part' };
}

function isDeciding(place: Place): boolean {
  return !place.isTest && isDecidingPath(place.workspace, place.inner.replace(/\.ts$/, ''));
}

function isDecidingPath(workspace: string, path: string): boolean {
  const parts = decidingParts[workspace.replace('services/', '')] ?? [];
  return workspace.startsWith('services/') && parts.some((part) => path === part || path.startsWith(`${part}/`));
}

function globalFault(place: Place, name: string): string | undefined {
  const free = place.workspace === 'test' || place.workspace === 'scripts' || place.isTest;
  if (name === 'process.env' && !free && posix.basename(place.inner) !== 'main.ts') {
    return 'the environment is read in main.ts alone';
  }
  return isDeciding(place) ? 'clock, chance and environment come as arguments to deciding code' : undefined;
}

function layerName(place: Place): string {
  return isDeciding(place) ? `a deciding part of ${place.workspace}` : place.workspace;
}
