import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isRoute, routeOf } from './routes.js';

/** "kind model version query" of a route, "405 GET" and the like of none. */
function told(method: string, target: string): string {
  const found = routeOf(method, target);
  if (!isRoute(found)) return found.kind === 'method' ? `405 ${found.allow}` : found.kind;
  return [found.kind, found.model, found.version, found.query].join(' ').trimEnd();
}

const table: readonly (readonly [method: string, target: string, expected: string])[] = [
  ['GET', '/healthz', 'healthz'],
  ['HEAD', '/healthz', 'healthz'],
  ['GET', '/readyz?verbose', 'readyz   verbose'],
  ['GET', '/metrics', 'metrics'],
  ['GET', '/v2', 'server'],
  ['GET', '/v2/', 'server'],
  ['GET', '/v2/health/live', 'live'],
  ['GET', '/v2/health/ready', 'ready'],
  ['GET', '/v2/models/m', 'model m'],
  ['GET', '/v2/models/m/', 'model m'],
  ['GET', '/v2/models/m/versions/3', 'model m 3'],
  ['GET', '/v2/models/m/ready', 'model-ready m'],
  ['GET', '/v2/models/m/versions/canary/ready', 'model-ready m canary'],
  ['GET', '/v2/models/m/config', 'config m'],
  ['GET', '/v2/models/m/versions/3/config', 'config m 3'],
  ['GET', '/v2/models/m/stats', 'stats m'],
  ['GET', '/v2/models/stats', 'stats'],
  ['GET', '/v2/models/stats/stats', 'stats stats'],
  ['POST', '/v2/models/m/infer', 'infer m'],
  ['POST', '/v2/models/m/versions/3/infer', 'infer m 3'],
  ['POST', '/v2/models/a%20b/infer', 'infer a b'],
  ['POST', 'http://node:7511/v2/models/m/infer', 'infer m'],
  ['POST', '/v2/repository/index', 'index'],
  ['POST', '/v2/repository/models/m/load', 'load m'],
  ['POST', '/v2/repository/models/m/unload', 'unload m'],
  ['GET', '/v2/systemsharedmemory/status', 'shared-status'],
  ['GET', '/v2/cudasharedmemory/region/r/status', 'shared-status r'],
  ['POST', '/v2/systemsharedmemory/region/r/register', 'shared-register r'],
  ['POST', '/v2/cudasharedmemory/unregister', 'shared-unregister'],
  ['POST', '/v2/systemsharedmemory/region/r/unregister', 'shared-unregister r'],
  ['POST', '/v2/systemsharedmemory/register', 'unknown'],
  ['GET', '/v2/systemsharedmemory/region//status', 'unknown'],
  ['GET', '/v2/systemsharedmemory', 'unknown'],
  ['POST', '/atoll/v1/models/m/predict?top=1', 'predict m  top=1'],
  ['POST', '/atoll/v1/models/m/versions/3/predict', 'predict m 3'],
  ['GET', '/v2/models/m/infer', '405 POST'],
  ['GET', '/v2/repository/index', '405 POST'],
  ['POST', '/v2', '405 GET'],
  ['DELETE', '/v2/models/m', '405 GET'],
  ['POST', '/v2/models/%/infer', 'bad'],
  ['POST', '/v2/models/m/versions/%ff/infer', 'bad'],
  ['GET', '', 'unknown'],
  ['GET', '/', 'unknown'],
  ['GET', '*', 'unknown'],
  ['GET', '//', 'unknown'],
  ['GET', '//[', 'unknown'],
  ['GET', '/v2/models', 'unknown'],
  ['GET', '/v2/models/', 'unknown'],
  ['POST', '/v2/models//infer', 'unknown'],
  ['GET', '/v2/models/m/versions/infer', 'model m infer'],
  ['POST', '/v2/models/m/versions//infer', 'unknown'],
  ['POST', '/v2/models/m/infer/more', 'unknown'],
  ['POST', '/v2/models/m/predict', 'unknown'],
  ['POST', '/atoll/v1/models/m/infer', 'unknown'],
  ['GET', '/v2/health', 'unknown'],
  ['GET', '/v2/health/live/more', 'unknown'],
  ['POST', '/v2/repository/models/m', 'unknown'],
  ['POST', '/v2/repository/models/m/drop', 'unknown'],
  ['GET', '/V2', 'unknown'],
  ['GET', '/healthz/', 'healthz'],
  ['GET', '/v2/__proto__', 'unknown'],
];

describe('routeOf()', () => {
  for (const [method, target, expected] of table) {
    test(`${method} ${target} is ${expected}`, () => assert.equal(told(method, target), expected));
  }
});
