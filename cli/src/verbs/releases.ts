import type { Command } from 'commander';
import { type Release, RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import type { Channel } from '@atoll/rpc/channel';
import type { Context } from '../context.js';
import { withRegistry } from '../fleet.js';
import type { Machine } from '../machine.js';
import { isoTime, table } from '../table.js';
import { action, addVerb } from '../verb.js';

interface ReleasesOptions {
  readonly model?: string;
}

/** `atoll releases`. */
export function addReleases(program: Command, machine: Machine): void {
  addVerb(program, 'releases', 'list model versions and aliases', 'atoll releases --model photos')
    .option('--model <name>', 'only this model')
    .action(action<ReleasesOptions>(machine, releases));
}

async function releases(context: Context, { model }: ReleasesOptions): Promise<void> {
  const found = await withRegistry(context, (channel) => allReleases(channel, model ?? '', context.signal));
  context.result(
    found.map(({ model: name, version, aliases, createdUnixMs, manifestSha256 }) => ({
      model: name,
      version,
      aliases,
      created: isoTime(createdUnixMs),
      manifestSha256,
    })),
    table(
      ['MODEL', 'VERSION', 'ALIASES', 'CREATED', 'MANIFEST'],
      found.map((release) => [
        release.model,
        `v${release.version}`,
        release.aliases.join(','),
        isoTime(release.createdUnixMs) ?? '',
        release.manifestSha256.slice(0, 12),
      ]),
    ),
  );
}

/** Every release of a model, or of all models, page by page. */
async function allReleases(channel: Channel, model: string, signal: AbortSignal): Promise<readonly Release[]> {
  const registry = channel.client(RegistryServiceService);
  const found: Release[] = [];
  for (let pageToken = ''; ;) {
    const page = await registry.listReleases({ model, pageSize: 1_000, pageToken }, { signal });
    found.push(...page.releases);
    if (page.nextPageToken === '') return found;
    pageToken = page.nextPageToken;
  }
}
