/** Largest message in bytes that any client or server of Atoll takes or sends. */
export const maxMessageBytes = 16 * 1024 * 1024;

/** Largest request in bytes of a method that carries neither tensors nor photos, where its service says which ones do. */
export const maxShortRequestBytes = 256 * 1024;

/** Of messages that are on their way to a server or at work there: of one connection, and of all. */
export const maxMessagesBytes = { connection: 8 * maxMessageBytes, server: 16 * maxMessageBytes } as const;

/** What HTTP/2 may keep for one connection beside the messages that were taken from it; more resets its streams. */
export const maxSessionMegabytes = 256;

/** Dead peers are found within the sum of both. */
export const keepalive = { everyMs: 30_000, timeoutMs: 10_000 } as const;

/** A caller has so long, or up to twice, to take one message of an answer; a deadline of the call ends it before. */
export const untakenMs = 60_000;

/** A stream of requests stays so long, or up to twice, without a message of either side; a run that takes longer is none. */
export const silentMs = 600_000;
