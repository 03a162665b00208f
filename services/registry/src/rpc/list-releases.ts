import type { ListReleasesRequest, ListReleasesResponse } from '@atoll/proto/atoll/v1/registry';
import { pageSizeOf, pageToken, parsePageToken } from '../releases/paging.js';
import type { ReleaseStore } from '../store/release-store.js';
import { recordMessage } from './release-message.js';

/** Gives a page of releases. */
export function listReleases(releases: ReleaseStore) {
  return async (request: ListReleasesRequest): Promise<ListReleasesResponse> => {
    const size = pageSizeOf(request.pageSize);
    const records = releases.list(request.model, parsePageToken(request.pageToken), size + 1);
    const page = records.slice(0, size);
    const last = page.at(-1);
    const more = records.length > size && last !== undefined;
    return { releases: page.map(recordMessage), nextPageToken: more ? pageToken(last) : '' };
  };
}
