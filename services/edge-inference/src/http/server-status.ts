import { atollVersion } from '../atoll-version.js';
import { jsonAnswer } from './answer.js';
import type { Handler } from './handlers.js';

/** What of the protocol's extensions this node speaks over REST. */
const extensions = [
  'binary_tensor_data',
  'model_configuration',
  'model_repository',
  'schedule_policy',
  'statistics',
] as const;

/** GET /v2 */
export const serverMetadata: Handler = async () =>
  jsonAnswer(200, { name: 'atoll', version: atollVersion, extensions });

/** GET /v2/health/live */
export const serverLive: Handler = async () => jsonAnswer(200, { live: true });

/** GET /v2/health/ready: ready once any model serves. */
export function serverReady(isServing: () => boolean): Handler {
  return async () => (isServing() ? jsonAnswer(200, { ready: true }) : jsonAnswer(503, { ready: false }));
}
