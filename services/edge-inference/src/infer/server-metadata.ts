import { atollVersion } from '../atoll-version.js';

/** What the node says of itself, and what it has beside the Open Inference Protocol's core. */
export const serverMetadata = {
  name: 'atoll',
  version: atollVersion,
  extensions: [
    'binary_tensor_data',
    'classification',
    'model_configuration',
    'model_repository',
    'parameters',
    'schedule_policy',
    'statistics',
  ],
} as const;
