// The parent of the hostile-file tests: it gives a child mutants to read, ends it when one takes too long, and goes on behind
// that one with a fresh child.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MutantMessage, MutantRequest, MutantResult } from './read-mutants-for-tests.js';

/** What became of all mutants; a crash or a hang is a result with the outcome `fault`. */
export interface MutantSummary {
  readonly results: readonly MutantResult[];
  /** Most memory above that of a child that has read the whole bases. */
  readonly growthBytes: number;
}

/** Reads the mutants of the seeds from `from` to `to`; one that takes longer than `hangMs` by the clock hangs. */
export async function driveMutants(request: MutantRequest, hangMs: number): Promise<MutantSummary> {
  const results: MutantResult[] = [];
  let growthBytes = 0;
  for (let next = request.from; next < request.to;) {
    const batch = await readBatch({ ...request, from: next }, hangMs);
    results.push(...batch.results);
    growthBytes = Math.max(growthBytes, batch.growthBytes);
    next = (batch.results.at(-1)?.seed ?? request.to) + 1;
  }
  return { results, growthBytes };
}

function readBatch(request: MutantRequest, hangMs: number): Promise<MutantSummary> {
  const child = fork(fileURLToPath(new URL('read-mutants-for-tests.js', import.meta.url)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const results: MutantResult[] = [];
    let begun: Extract<MutantMessage, { kind: 'begin' }> | null = null;
    let baseBytes = 0;
    let peakBytes = 0;
    let hung = false;
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4000)));
    child.on('message', (message: MutantMessage) => {
      clearTimeout(timer);
      if (message.kind === 'ready') baseBytes = message.peakBytes;
      if (message.kind === 'result') {
        results.push(message.result);
        peakBytes = message.result.peakBytes;
        begun = null;
        return;
      }
      if (message.kind === 'begin') begun = message;
      timer = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, hangMs);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (begun !== null) {
        const words = hung ? `hung for ${hangMs} ms` : `crashed with ${signal ?? `exit code ${code}`}: ${errors}`;
        results.push({ ...begun, outcome: 'fault', words, cpuMs: 0, peakBytes });
      } else if (code !== 0) {
        reject(new Error(`the reader of mutants ended with ${signal ?? code}: ${errors}`));
      }
      resolve({ results, growthBytes: Math.max(0, peakBytes - baseBytes) });
    });
    child.send(request);
  });
}
