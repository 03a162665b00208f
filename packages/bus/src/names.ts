/**
 * Every subject, bucket, stream and account that Atoll uses on NATS, in one place: what the server's configuration
 * permits and what the code sends are built from the same names.
 *
 *   controller --put--> KV_fleet_desired --republish--> fleet.desired.node.ID --> node     (also read by Direct Get)
 *   node --> fleet.status.node.ID --> FLEET_STATUS --> controller          node --> fleet.hb.ID --> controller
 */
import { AtollError } from '@atoll/base/error';

/** The account that nodes log in to; it has no JetStream. */
export const edgeAccount = 'EDGE';

/** The account of the controller and of JetStream. */
export const fleetAccount = 'FLEET';

/** Bucket of the signed desired states, key node.ID. */
export const desiredBucket = 'fleet_desired';

/** The stream under the bucket. */
export const desiredStream = `KV_${desiredBucket}`;

/** Stream of the newest status report of each node. */
export const statusStream = 'FLEET_STATUS';

/** The one durable consumer of the status stream. */
export const statusConsumer = 'controller';

/** Asks every node to read its desired state again. */
export const pokeSubject = 'fleet.poke';

/** In place of a node id: all nodes, for subscriptions and exports. */
export const anyNode = '*';

/** What the bucket republishes, and to where. */
export const desiredRepublish = { src: `$KV.${desiredBucket}.>`, dest: 'fleet.desired.>' } as const;

/** Largest desired state or status report in bytes. */
export const maxPayloadBytes = 8 * 1024;

/** Refuses (INVALID_ARGUMENT) a node id that is not [a-z0-9-]{1,63}: it becomes a part of subjects. */
export function parseNodeId(text: string): string {
  if (!/^[a-z0-9-]{1,63}$/.test(text)) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use node id ${JSON.stringify(text.slice(0, 80))}: it must be 1 to 63 of a-z, 0-9 and -`,
    );
  }
  return text;
}

/** Key of a node in the bucket. */
export function desiredKey(nodeId: string): string {
  return `node.${nodeId}`;
}

/** Subject under which the bucket keeps a node's key. */
export function desiredStoreSubject(nodeId: string): string {
  return `$KV.${desiredBucket}.${desiredKey(nodeId)}`;
}

/** Subject on which a node hears its desired state the moment it is stored. */
export function desiredPushSubject(nodeId: string): string {
  return `fleet.desired.${desiredKey(nodeId)}`;
}

/** Subject of the Direct Get that reads a node's key and no other. */
export function desiredReadSubject(nodeId: string): string {
  return `$JS.API.DIRECT.GET.${desiredStream}.${desiredStoreSubject(nodeId)}`;
}

/** Subject of a node's status reports. */
export function statusSubject(nodeId: string): string {
  return `fleet.status.node.${nodeId}`;
}

/** Subject of a node's heartbeat. */
export function heartbeatSubject(nodeId: string): string {
  return `fleet.hb.${nodeId}`;
}

/** Prefix of a node's reply subjects; its permissions name it, so that no node reads another's replies. */
export function inboxPrefix(nodeId: string): string {
  return `_INBOX_${nodeId}`;
}

/** The node that a status or heartbeat subject names; undefined when its last part is not a node id. */
export function nodeOfSubject(subject: string): string | undefined {
  const last = subject.slice(subject.lastIndexOf('.') + 1);
  return /^[a-z0-9-]{1,63}$/.test(last) ? last : undefined;
}
