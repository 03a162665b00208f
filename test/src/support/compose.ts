import { parse } from 'yaml';
import { readText } from './repository.js';

/** Where the compose file is. */
export const composePath = 'deploy/compose.yaml';

/** As much of a compose file as the tests look at. */
export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** One service of it. */
export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly dockerfile: string; readonly args: Readonly<Record<string, string>> };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly user?: string;
  readonly privileged?: boolean;
}

/** The compose file, with its merge keys resolved. */
export async function compose(): Promise<Compose> {
  return parse(await readText(composePath), { merge: true }) as Compose;
}
