/*
 * Set-up: finds the parts that npm does not bring, fetches the missing ones into the cache, and says what stands in
 * for those that cannot be had. A part appears in the cache by one rename, so it is there whole or not at all; when
 * all are there, nothing but the file system is touched.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { cifar } from './cifar.js';
import { kubectl } from './kubectl.js';
import { liteRt } from './litert.js';
import { withLock } from './lock.js';
import { natsServer } from './nats-server.js';
import type { Machine, Part, PartName } from './part.js';
import { partNames } from './part.js';
import type { MissingPart } from './plan.js';
import { announcement, outcomeWithout, planFetches, spaceFault } from './plan.js';
import { linkAddOn, tensorflow, unlinkAddOn } from './tensorflow.js';
import { tfLite } from './tflite.js';

/** Where each asked-for part is usable from; undefined for one that something else stands in for. */
export type SetUpReport = Readonly<Partial<Record<PartName, string | undefined>>>;

const partsByName: Readonly<Record<PartName, Part>> = {
  'nats-server': natsServer,
  litert: liteRt,
  tflite: tfLite,
  tensorflow,
  cifar,
  kubectl,
};
const workPrefix = '.work-';

/** Sees to it that the named parts are there; throws when one that nothing stands in for cannot be had, or the disk is full. */
export async function setUp(
  names: readonly PartName[],
  machine: Machine,
  known: Readonly<Record<PartName, Part>> = partsByName,
): Promise<SetUpReport> {
  const wanted = partNames.filter((name) => names.includes(name)).map((name) => known[name]);
  const missing: MissingPart[] = [];
  for (const part of wanted) {
    if ((await part.find(machine)) === undefined) missing.push(await withCandidates(part, machine));
  }
  if (missing.length > 0) await fetchMissing(missing, machine);
  const report: Partial<Record<PartName, string | undefined>> = {};
  for (const part of wanted) report[part.name] = await part.find(machine);
  if (report.tensorflow !== undefined) await linkAddOn(machine);
  else if (names.includes('tensorflow')) await unlinkAddOn(machine);
  return report;
}

async function withCandidates(part: Part, machine: Machine): Promise<MissingPart> {
  const candidates = [];
  for (const recipe of part.recipes(machine.platform)) {
    candidates.push({ recipe, hindrance: await recipe.hindrance(machine) });
  }
  return { part, candidates };
}

async function fetchMissing(missing: readonly MissingPart[], machine: Machine): Promise<void> {
  const plan = planFetches(missing);
  // What nothing stands in for is refused before anything is downloaded; what has a fallback is only warned of.
  for (const entry of plan.hopeless) settleWithout(entry.part, hindrances(entry), machine);
  if (plan.fetches.length === 0) return;
  const { root } = machine.paths;
  for (const line of announcement(plan, root)) machine.say(line);
  await makeCache(root);
  const fault = spaceFault(plan, await machine.freeBytes(root), root);
  if (fault !== undefined) throw fault;
  await withLock(join(root, '.lock'), machine.signal, machine.say, async () => {
    await removeRemains(root);
    for (const entry of plan.fetches) await obtain(entry, machine);
  });
}

/** Tries the recipes of one part in order, until one has filled its folder. */
async function obtain(entry: MissingPart, machine: Machine): Promise<void> {
  const { part, candidates } = entry;
  if ((await part.find(machine)) !== undefined) return;
  const tried = hindrances(entry);
  const startMs = performance.now();
  machine.say(`  ${part.title}`);
  for (const { recipe, hindrance } of candidates) {
    if (hindrance !== undefined) continue;
    const work = await mkdtemp(join(machine.paths.root, workPrefix));
    try {
      const folder = join(work, 'part');
      const waste = join(work, 'waste');
      await mkdir(folder);
      await mkdir(waste);
      await recipe.make(machine, folder, waste);
      await putInPlace(folder, part.folder(machine.paths), join(work, 'old'));
      machine.say(`    done in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
      return;
    } catch (error) {
      machine.signal.throwIfAborted();
      tried.push(`${recipe.title}: ${reasonOf(error)}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  settleWithout(part, tried, machine);
}

function hindrances(entry: MissingPart): string[] {
  return entry.candidates.flatMap(({ recipe, hindrance }) =>
    hindrance === undefined ? [] : [`${recipe.title}: ${hindrance}`],
  );
}

function settleWithout(part: Part, tried: readonly string[], machine: Machine): void {
  const outcome = outcomeWithout(part, tried);
  if (outcome instanceof AtollError) throw outcome;
  machine.say(outcome);
}

/** What is in the way lacks something, or `find` would have found it: it gives way. */
async function putInPlace(made: string, final: string, old: string): Promise<void> {
  try {
    await rename(final, old);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  await rename(made, final);
}

async function makeCache(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
  } catch (error) {
    throw new AtollError('FAILED_PRECONDITION', `cannot make the cache ${root}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Whoever holds the lock knows that no other is at work: what lies about is of a set-up that was killed. */
async function removeRemains(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (name.startsWith(workPrefix)) await rm(join(root, name), { recursive: true, force: true });
  }
}
