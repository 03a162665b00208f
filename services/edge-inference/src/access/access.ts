/*
 * Who may do what: `use` is asking models, `control` is changing which of them serve. Without token files everybody who can
 * connect may do both; with one, its tokens may; with an admin list only its tokens may control. A token counts whatever
 * certificate its caller has. What only tells of the node, as its health, is for everybody.
 */
import { AtollError } from '@atoll/base/error';
import type { Tokens } from '@atoll/rpc/token';

/** What a call may be let in for. */
export type Access = 'use' | 'control';

/** Lists that are in force. */
export interface AccessLists {
  readonly tokens: Tokens | undefined;
  readonly adminTokens: Tokens | undefined;
}

/** The name of the token that lets the caller in; undefined where none is needed. UNAUTHENTICATED or PERMISSION_DENIED. */
export function letIn(authorization: string | undefined, access: Access, lists: AccessLists): string | undefined {
  const { tokens, adminTokens } = lists;
  if (tokens === undefined && (adminTokens === undefined || access === 'use')) return undefined;
  if (authorization === undefined) {
    throw new AtollError('UNAUTHENTICATED', 'cannot call: send a token as `authorization: Bearer TOKEN`');
  }
  const admin = adminTokens?.nameOf(authorization);
  if (admin !== undefined) return admin;
  const user = tokens?.nameOf(authorization);
  if (user === undefined) throw new AtollError('UNAUTHENTICATED', 'cannot call: the token is not known');
  if (access === 'use' || adminTokens === undefined) return user;
  throw new AtollError('PERMISSION_DENIED', `cannot change what serves: the token ${user} is not one of an admin`);
}

/** Methods that only use models or tell of them; whatever is not here controls. */
const using: ReadonlySet<string> = new Set([
  'Predict',
  'PredictStream',
  'DescribeModels',
  'Explain',
  'ServerMetadata',
  'ModelMetadata',
  'ModelConfig',
  'ModelStatistics',
  'ModelInfer',
  'ModelStreamInfer',
  'RepositoryIndex',
]);
const forEverybody: ReadonlySet<string> = new Set(['ServerLive', 'ServerReady', 'ModelReady']);

/** What a gRPC method is let in for, "/package.Service/Method"; undefined for what everybody may call. */
export function accessOf(path: string): Access | undefined {
  const method = path.slice(path.lastIndexOf('/') + 1);
  if (forEverybody.has(method)) return undefined;
  return using.has(method) ? 'use' : 'control';
}
