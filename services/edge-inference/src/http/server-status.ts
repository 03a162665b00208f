import type { Readiness } from '../infer/readiness.js';
import { serverMetadata as metadata } from '../infer/server-metadata.js';
import { jsonAnswer } from './answer.js';
import type { Handler } from './handlers.js';

/** GET /v2 */
export const serverMetadata: Handler = async () => jsonAnswer(200, metadata);

/** GET /v2/health/live */
export const serverLive: Handler = async () => jsonAnswer(200, { live: true });

/** GET /v2/health/ready: ready once any model can answer. */
export function serverReady(readiness: Readiness): Handler {
  return async () => (readiness.server() ? jsonAnswer(200, { ready: true }) : jsonAnswer(503, { ready: false }));
}
