import type { Logger } from '@atoll/base/log';
import type { SetAliasRequest, SetAliasResponse } from '@atoll/proto/atoll/v1/registry';
import { parseAlias } from '../releases/publishing.js';
import type { ReleaseStore } from '../store/release-store.js';
import { found, releaseMessage } from './release-message.js';

/** Points an alias at a version. */
export function setAlias(releases: ReleaseStore, log: Logger) {
  return async ({ model, alias, version }: SetAliasRequest): Promise<SetAliasResponse> => {
    parseAlias(alias);
    const name = `${model} v${version}`;
    found(releases.byVersion(model, version), name);
    releases.setAlias(model, alias, version);
    log.info('alias set', { model, alias, version });
    return { release: releaseMessage(found(releases.byVersion(model, version), name)) };
  };
}
