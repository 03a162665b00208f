import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Logger } from '@atoll/base/log';
import type { Authorize as AuthorizeCall } from '@atoll/rpc/authorize';
import type { ServerTls } from '@atoll/rpc/tls';
import { watchTls } from '@atoll/rpc/tls';
import { watchTokens } from '@atoll/rpc/token';
import type { Access } from './access.js';
import { accessOf, letIn } from './access.js';
import type { SecurityConfig } from './security-config.js';
import { tlsFilesOf } from './security-config.js';

/** Both servers' guard, which follows its files. */
export interface Guard {
  readonly tls: ServerTls | undefined;
  /** For gRPC; undefined where no token is asked for. */
  readonly authorizeCall: AuthorizeCall | undefined;
  /** For HTTP. */
  readonly authorizeRequest: (request: IncomingMessage, access: Access) => { readonly client?: string };
  stop(): void;
}

/** Reads the files; FAILED_PRECONDITION in one line when one is not what it should be. */
export async function startGuard(config: SecurityConfig, log: Logger): Promise<Guard> {
  const stops: (() => void)[] = [];
  const stop = (): void => {
    for (const step of stops) step();
  };
  try {
    const files = tlsFilesOf(config);
    const tls = files === undefined ? undefined : await watchTls(files, log);
    if (tls !== undefined) stops.push(tls.stop);
    const list = async (path: string | undefined) => {
      if (path === undefined) return undefined;
      const watched = await watchTokens(path, log);
      stops.push(watched.stop);
      return watched;
    };
    const [tokens, adminTokens] = [await list(config.tokenFile), await list(config.adminTokenFile)];
    const check = (authorization: string | undefined, access: Access): string | undefined =>
      letIn(authorization, access, { tokens: tokens?.value, adminTokens: adminTokens?.value });
    const authorizeCall: AuthorizeCall = ({ path, authorization }) => {
      const access = accessOf(path);
      return access === undefined ? undefined : check(authorization, access);
    };
    const certificates = new WeakMap<TLSSocket, string | undefined>();
    return {
      tls,
      authorizeCall: tokens === undefined && adminTokens === undefined ? undefined : authorizeCall,
      authorizeRequest: (request, access) => {
        const client = check(request.headers.authorization, access) ?? certificateOf(request, certificates);
        return client === undefined ? {} : { client };
      },
      stop,
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Reading a certificate takes longer than a request: each connection's is read once. */
function certificateOf({ socket }: IncomingMessage, known: WeakMap<TLSSocket, string | undefined>): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  if (known.has(socket)) return known.get(socket);
  const { CN } = socket.getPeerCertificate().subject as { CN?: string | string[] };
  const name = Array.isArray(CN) ? CN[0] : CN;
  known.set(socket, name);
  return name;
}
