import type { EnvReader } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';

/** Files that say who may call a node, and how. All are followed while it runs. */
export interface SecurityConfig {
  /** PEM of the node's certificate, and of its key; both or neither. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** PEM of the authorities whose certificates clients must have. */
  readonly clientCa: string | undefined;
  /** Tokens of those who may use the models. */
  readonly tokenFile: string | undefined;
  /** Tokens of those who may change which models serve, too; without it whoever may use them may. */
  readonly adminTokenFile: string | undefined;
}

/** Plain text, for everybody who can connect. */
export const noSecurity: SecurityConfig = {
  certificate: undefined,
  key: undefined,
  clientCa: undefined,
  tokenFile: undefined,
  adminTokenFile: undefined,
};

/** Reads the settings of the environment. */
export function readSecurity(reader: EnvReader): SecurityConfig {
  return {
    certificate: reader.optionalText('ATOLL_EDGE_INFERENCE_TLS_CERT'),
    key: reader.optionalText('ATOLL_EDGE_INFERENCE_TLS_KEY'),
    clientCa: reader.optionalText('ATOLL_EDGE_INFERENCE_TLS_CLIENT_CA'),
    tokenFile: reader.optionalText('ATOLL_EDGE_INFERENCE_TOKEN_FILE'),
    adminTokenFile: reader.optionalText('ATOLL_EDGE_INFERENCE_ADMIN_TOKEN_FILE'),
  };
}

/** The files of TLS; undefined for plain text. INVALID_ARGUMENT when only some of what it needs is set. */
export function tlsFilesOf({ certificate, key, clientCa }: SecurityConfig) {
  if (certificate !== undefined && key !== undefined) return { certificate, key, clientCa };
  if (certificate === undefined && key === undefined && clientCa === undefined) return undefined;
  const missing = certificate === undefined ? 'a certificate' : 'the key of its certificate';
  throw new AtollError('INVALID_ARGUMENT', `cannot serve TLS without ${missing}`);
}

/** What to warn of before such a node listens there; undefined where nothing is open to a network. */
export function openToNetwork(listen: string, security: SecurityConfig): string | undefined {
  if (listen.startsWith('unix:') || /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(listen)) return undefined;
  const open = security.tokenFile === undefined && security.clientCa === undefined;
  const plain = security.certificate === undefined;
  if (!open && !plain) return undefined;
  const what = [...(plain ? ['without TLS'] : []), ...(open ? ['with neither token nor client certificate'] : [])];
  return `anybody who reaches ${listen} may call ${what.join(' and ')}`;
}
