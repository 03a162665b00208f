/** Makes the fleet's bucket and stream, and brings those of an older release to today's settings. */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  StorageType,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  anyNode,
  desiredBucket,
  desiredRepublish,
  desiredStream,
  maxPayloadBytes,
  statusConsumer,
  statusStream,
  statusSubject,
} from './names.js';

/** JetStream with the fleet's bucket and stream in place. */
export interface FleetStreams {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly desired: KV;
}

const requestTimeoutMs = 2_000;

/** Makes sure that bucket and status stream exist; safe to repeat, and needed again after the server lost its store. */
export async function ensureFleetStreams(connection: NatsConnection): Promise<FleetStreams> {
  const client = jetstream(connection, { timeout: requestTimeoutMs });
  const manager = await client.jetstreamManager();
  const desired = await new Kvm(client).create(desiredBucket, {
    history: 5,
    storage: StorageType.File,
    // Twice the limit, for headers: the exact limit is checked by who sends and who reads.
    maxValueSize: maxPayloadBytes * 2,
    allow_direct: true,
    republish: desiredRepublish,
  });
  // Kvm.create leaves an existing bucket as it is.
  const { config } = await manager.streams.info(desiredStream);
  if (config.republish?.dest !== desiredRepublish.dest || !config.allow_direct) {
    await manager.streams.update(desiredStream, { ...config, republish: desiredRepublish, allow_direct: true });
  }
  const status = {
    subjects: [statusSubject(anyNode)],
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    max_msg_size: maxPayloadBytes * 2,
    allow_direct: true,
  };
  try {
    await manager.streams.update(statusStream, status);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await manager.streams.add({ name: statusStream, ...status });
  }
  return { client, manager, desired };
}

/** Makes the controller's one durable consumer anew, so that it begins with the newest report of every node. */
export async function renewStatusConsumer(manager: JetStreamManager): Promise<void> {
  try {
    await manager.consumers.delete(statusStream, statusConsumer);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  await manager.consumers.add(statusStream, {
    durable_name: statusConsumer,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.LastPerSubject,
    filter_subject: statusSubject(anyNode),
    max_ack_pending: 10_000,
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.status === 404;
}
