/** A process that lived so long, milliseconds, or answered so many runs, was no failed start. */
const usefulMs = 1_000;
const usefulRuns = 16;

/** Whether a process that ended was of use; after one that was not the next is started later and later. */
export function wasUseful(livedMs: number, runs: number): boolean {
  return livedMs >= usefulMs || runs >= usefulRuns;
}
