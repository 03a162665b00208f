import type { ChannelOptions } from '@grpc/grpc-js';

/** Largest message in bytes that any client or server of Atoll takes or sends. */
export const maxMessageBytes = 16 * 1024 * 1024;

/** What HTTP/2 may keep for one connection beside the messages that were taken from it; more resets its streams. */
export const maxSessionMegabytes = 256;

/** Options of every channel and server: bounded messages and streams, no proxy from the environment, dead peers found within a minute. */
export const commonOptions: ChannelOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.enable_http_proxy': 0,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};
