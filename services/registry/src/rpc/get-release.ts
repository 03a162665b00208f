import type { GetReleaseRequest, GetReleaseResponse } from '@atoll/proto/atoll/v1/registry';
import type { ReleaseStore } from '../store/release-store.js';
import { found, releaseMessage } from './release-message.js';

/** Gives a release by version, else by alias, else the newest. */
export function getRelease(releases: ReleaseStore) {
  return async ({ model, version, alias }: GetReleaseRequest): Promise<GetReleaseResponse> => {
    if (version > 0n) {
      return { release: releaseMessage(found(releases.byVersion(model, version), `${model} v${version}`)) };
    }
    if (alias !== '') return { release: releaseMessage(found(releases.byAlias(model, alias), `${model} ${alias}`)) };
    return { release: releaseMessage(found(releases.newest(model), model)) };
  };
}
