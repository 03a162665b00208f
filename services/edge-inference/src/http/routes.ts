/*
 * Which request is for whom: the addresses of the Open Inference Protocol over REST with Triton's extensions, Atoll's own, and
 * those of health and metrics. Decided from the method and the request target alone; a target is a stranger's text and need not
 * be a URL at all.
 */

/** What a request is for. */
export type RouteKind =
  | 'healthz'
  | 'readyz'
  | 'metrics'
  | 'server'
  | 'live'
  | 'ready'
  | 'model'
  | 'model-ready'
  | 'config'
  | 'stats'
  | 'infer'
  | 'predict'
  | 'index'
  | 'load'
  | 'unload'
  | 'shared-status'
  | 'shared-register'
  | 'shared-unregister';

/** A request that is for somebody. */
export interface Route {
  readonly kind: RouteKind;
  /** Of shared memory it is the region. Empty where the address names none. */
  readonly model: string;
  /** As written: decimal or a label; empty for none. */
  readonly version: string;
  /** What follows the question mark; empty for nothing. */
  readonly query: string;
}

/** Why a request is for nobody. */
export type NoRoute =
  { readonly kind: 'unknown' } | { readonly kind: 'bad' } | { readonly kind: 'method'; readonly allow: string };

const unknown: NoRoute = { kind: 'unknown' };

/** Where the request of this method and target goes; HEAD goes where GET does. */
export function routeOf(method: string, target: string): Route | NoRoute {
  const cut = target.indexOf('?');
  // A proxy may be sent the whole address; it is for this server all the same.
  const path = (cut < 0 ? target : target.slice(0, cut)).replace(/^https?:\/\/[^/]*/i, '');
  const parts = path.split('/');
  if (parts.shift() !== '') return unknown;
  if (parts.length > 1 && parts.at(-1) === '') parts.pop();
  const query = cut < 0 ? '' : target.slice(cut + 1);
  const found = find(parts);
  if (found === undefined) return unknown;
  const [kind, rawModel, rawVersion] = found;
  const allow = posted.has(kind) ? 'POST' : 'GET';
  if (method !== allow && !(method === 'HEAD' && allow === 'GET')) return { kind: 'method', allow };
  const [model, version] = [decoded(rawModel), decoded(rawVersion)];
  return model === undefined || version === undefined ? { kind: 'bad' } : { kind, model, version, query };
}

/** True when the request is for somebody. */
export function isRoute(found: Route | NoRoute): found is Route {
  return 'model' in found;
}

const posted: ReadonlySet<RouteKind> = new Set([
  'infer',
  'predict',
  'index',
  'load',
  'unload',
  'shared-register',
  'shared-unregister',
]);

type Found = readonly [kind: RouteKind, model: string, version: string];

function find(parts: readonly string[]): Found | undefined {
  const [first, second, third, fourth] = parts;
  if (first === 'v2') {
    if (parts.length === 1) return ['server', '', ''];
    if (second === 'models' && third === 'stats' && parts.length === 3) return ['stats', '', ''];
    if (second === 'models') return ofModel(parts.slice(2), modelKinds);
    if (second === 'health' && parts.length === 3 && (third === 'live' || third === 'ready')) return [third, '', ''];
    if (second === 'repository') {
      if (parts.length === 3 && third === 'index') return ['index', '', ''];
      const [last] = parts.slice(4);
      if (parts.length === 5 && third === 'models' && (last === 'load' || last === 'unload'))
        return [last, fourth ?? '', ''];
    }
    if (second === 'systemsharedmemory' || second === 'cudasharedmemory') return ofSharedMemory(parts.slice(2));
    return undefined;
  }
  if (first === 'atoll' && second === 'v1' && third === 'models') return ofModel(parts.slice(3), ownKinds);
  if (parts.length === 1 && (first === 'healthz' || first === 'readyz' || first === 'metrics')) return [first, '', ''];
  return undefined;
}

const modelKinds: ReadonlyMap<string | undefined, RouteKind> = new Map([
  [undefined, 'model'],
  ['ready', 'model-ready'],
  ['config', 'config'],
  ['stats', 'stats'],
  ['infer', 'infer'],
]);
const ownKinds: ReadonlyMap<string | undefined, RouteKind> = new Map([['predict', 'predict']]);

const sharedKinds: ReadonlyMap<string | undefined, RouteKind> = new Map([
  ['status', 'shared-status'],
  ['register', 'shared-register'],
  ['unregister', 'shared-unregister'],
]);

/** [region/NAME/]VERB; a region to register has a name. */
function ofSharedMemory(parts: readonly string[]): Found | undefined {
  const named = parts[0] === 'region';
  const [region = '', verb, ...rest] = named ? parts.slice(1) : ['', ...parts];
  const kind = sharedKinds.get(verb);
  if (kind === undefined || rest.length > 0 || named !== (region !== '')) return undefined;
  return kind === 'shared-register' && !named ? undefined : [kind, region, ''];
}

/** NAME[/versions/V][/VERB]. */
function ofModel(parts: readonly string[], kinds: ReadonlyMap<string | undefined, RouteKind>): Found | undefined {
  const [model = '', ...more] = parts;
  const version = more[0] === 'versions' ? more[1] : '';
  const [verb, ...rest] = more[0] === 'versions' ? more.slice(2) : more;
  const kind = kinds.get(verb);
  if (model === '' || version === undefined || kind === undefined || rest.length > 0) return undefined;
  if (more[0] === 'versions' && version === '') return undefined;
  return [kind, model, version];
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
