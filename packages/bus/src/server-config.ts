/**
 * The configuration of the hub's nats-server. Nodes log in to account EDGE, JetStream lives in account FLEET: the server
 * does not check a request's reply subject against permissions, so that in one shared account a node could have an
 * acknowledgement written over another node's key. Between the accounts pass only the six subjects below.
 */
import { AtollError } from '@atoll/base/error';
import {
  anyNode,
  desiredPushSubject,
  desiredReadSubject,
  edgeAccount,
  fleetAccount,
  heartbeatSubject,
  inboxPrefix,
  maxPayloadBytes,
  parseNodeId,
  pokeSubject,
  statusSubject,
} from './names.js';
import { parseUserKey } from './nkey.js';

/** A node that may log in. */
export interface NodeLogin {
  readonly id: string;
  readonly publicNkey: string;
}

/** What the configuration depends on. */
export interface ServerConfig {
  /** host:port for clients; port -1 = any free one, told in a file under portsFileDir. */
  readonly listen: string;
  /** Folder for JetStream's files. */
  readonly storeDir: string;
  readonly controllerPublicNkey: string;
  readonly nodes: readonly NodeLogin[];
  /** How often JetStream's files are synced, default 1s; "always" for a store that must not lose an acknowledged write. */
  readonly syncInterval?: string;
  /** host:port of the HTTP monitor; absent = none. */
  readonly monitorListen?: string;
  /** Where the server writes the ports that it took; absent = nowhere. */
  readonly portsFileDir?: string;
}

/** Renders a nats-server configuration (2.10 or newer) in which every user has a key and nobody is anonymous. */
export function renderServerConfig(config: ServerConfig): string {
  const ids = config.nodes.map((node) => parseNodeId(node.id));
  const keys = [config.controllerPublicNkey, ...config.nodes.map((node) => node.publicNkey)].map(parseUserKey);
  refuseRepeats('node id', ids);
  refuseRepeats('NATS user key', keys);
  const shared = (lines: readonly string[]): string => lines.map((line) => `      ${line}`).join('\n');
  return `# Rendered by renderServerConfig of packages/bus: change it there.
server_name: "atoll-hub"
listen: ${quote(config.listen)}
${config.monitorListen === undefined ? '' : `http: ${quote(config.monitorListen)}\n`}${
    config.portsFileDir === undefined ? '' : `ports_file_dir: ${quote(config.portsFileDir)}\n`
  }max_payload: ${maxPayloadBytes * 32}
ping_interval: "20s"
ping_max: 2

jetstream {
  store_dir: ${quote(config.storeDir)}
  sync_interval: ${quote(config.syncInterval ?? '1s')}
}

accounts {
  ${fleetAccount} {
    jetstream: enabled
    users: [
      { nkey: ${quote(config.controllerPublicNkey)} }
    ]
    exports: [
${shared([
  ...nodeRequests.map((subject) => `{ service: ${quote(subject)}, accounts: [${edgeAccount}] }`),
  ...nodeHears.map((subject) => `{ stream: ${quote(subject)}, accounts: [${edgeAccount}] }`),
])}
    ]
    imports: [
${shared(nodeTells.map((subject) => `{ stream: { account: ${edgeAccount}, subject: ${quote(subject)} } }`))}
    ]
  }
  ${edgeAccount} {
    users: [
${shared(config.nodes.map(nodeUser))}
    ]
    exports: [
${shared(nodeTells.map((subject) => `{ stream: ${quote(subject)}, accounts: [${fleetAccount}] }`))}
    ]
    imports: [
${shared([
  ...nodeRequests.map((subject) => `{ service: { account: ${fleetAccount}, subject: ${quote(subject)} } }`),
  ...nodeHears.map((subject) => `{ stream: { account: ${fleetAccount}, subject: ${quote(subject)} } }`),
])}
    ]
  }
}
`;
}

const nodeRequests = [desiredReadSubject(anyNode), statusSubject(anyNode)];
const nodeHears = [desiredPushSubject(anyNode), pokeSubject];
const nodeTells = [heartbeatSubject(anyNode)];

function nodeUser({ id, publicNkey }: NodeLogin): string {
  const publish = [desiredReadSubject(id), statusSubject(id), heartbeatSubject(id)].map(quote).join(', ');
  const subscribe = [desiredPushSubject(id), pokeSubject, `${inboxPrefix(id)}.>`].map(quote).join(', ');
  return `{ nkey: ${quote(publicNkey)}, permissions: { publish: [${publish}], subscribe: [${subscribe}] } }`;
}

/** A quoted string of the configuration's language; within quotes $ begins no variable. */
function quote(text: string): string {
  if (!/^[^"\\\p{Cc}]+$/u.test(text)) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot render the NATS configuration with ${JSON.stringify(text)}: it is empty or has quotes, backslashes or control characters`,
    );
  }
  return `"${text}"`;
}

function refuseRepeats(what: string, values: readonly string[]): void {
  const repeated = values.find((value, index) => values.indexOf(value) !== index);
  if (repeated !== undefined) {
    throw new AtollError('INVALID_ARGUMENT', `cannot render the NATS configuration: ${what} ${repeated} comes twice`);
  }
}
