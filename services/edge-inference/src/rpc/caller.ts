import type { CallContext } from '@atoll/rpc/handlers';
import type { Caller, Scheduling } from '../admit/caller.js';

/** Longest name that a caller may give itself. */
const maxNameLength = 64;

/** What admission needs to know of a call; `scheduling` is what its request says of its turn. */
export function callerOf(context: CallContext, scheduling: Scheduling = { priority: 0 }): Caller {
  const { deadlineMs, signal, metadata, peer, identity } = context;
  const [host, port] = splitPeer(peer);
  const [name, traceparent] = [textOf(metadata.get('atoll-client')), textOf(metadata.get('traceparent'))];
  const routeKey = textOf(metadata.get('atoll-route-key'))?.slice(0, maxNameLength);
  const tracestate = traceparent === undefined ? undefined : textOf(metadata.get('tracestate'));
  return {
    deadlineMs,
    signal,
    client: identity ?? host,
    flow: name?.slice(0, maxNameLength) ?? port,
    priority: scheduling.priority,
    timeoutMs: scheduling.timeoutMs,
    routeKey,
    traceparent,
    tracestate,
  };
}

/** "127.0.0.1:5000" and "[::1]:5000" as host and port; the whole of anything else is the host. */
function splitPeer(peer: string): readonly [host: string, port: string] {
  const cut = peer.lastIndexOf(':');
  return cut > 0 && /^\d+$/.test(peer.slice(cut + 1)) ? [peer.slice(0, cut), peer.slice(cut + 1)] : [peer, ''];
}

function textOf([value]: readonly (string | Buffer)[]): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
