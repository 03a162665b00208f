import { createRequire } from 'node:module';

/** Version of Atoll, as package.json names it. */
export const atollVersion: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
