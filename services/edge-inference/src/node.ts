import { hostname } from 'node:os';
import type { Clock } from '@atoll/base/clock';
import { AtollError } from '@atoll/base/error';
import type { Running } from '@atoll/base/lifecycle';
import type { Logger } from '@atoll/base/log';
import { pluggedDevices } from '@atoll/runtime/plugged-devices';
import { startGuard } from './access/guard.js';
import { openToNetwork } from './access/security-config.js';
import { createBackendChoices } from './backends/backend-choices.js';
import { betterBackend, choiceInWords } from './backends/choose.js';
import { createKnownTrials } from './backends/known-trials.js';
import { tryBackends } from './backends/try-backends.js';
import type { EdgeInferenceConfig } from './config.js';
import { createPhotoWarmUp } from './image/photo-warm-up.js';
import { createReadiness } from './infer/readiness.js';
import { createInference } from './inference.js';
import { candidatesOf, probeCandidatesOf } from './models/candidates.js';
import { packageFromFile } from './models/from-file.js';
import { checkRepositoryFolder, repositoryFolder } from './models/repository/folder.js';
import { createRepository } from './models/repository/repository.js';
import type { Repository } from './models/repository/repository.js';
import type { HealthReport } from './rpc/health-report.js';
import { childSettingsOf } from './runtime/child-settings.js';
import type { EarlyChildren } from './runtime/early-children.js';
import { watchMemory } from './runtime/memory-watch.js';
import { startPool } from './runtime/pool.js';
import type { DeviceStatus } from './runtime/pool.js';
import { probePackage } from './runtime/probe.js';
import { createSwapManager } from './swap/manager.js';
import type { SwapManager } from './swap/manager.js';
import { createShadowing } from './swap/shadowing.js';
import type { Swapper } from './swap/swapper.js';
import { createEnded } from './trace/ended.js';
import { startTracing } from './trace/tracing.js';

/** What a node takes from whoever starts it. */
export interface EdgeInferenceDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

/** A running node. */
export interface RunningEdgeInference extends Running {
  /** host:port of health and metrics; undefined when not asked for. */
  readonly http: string | undefined;
  readonly swapper: SwapManager;
  readonly repository: Repository;
  /** What is in service now. */
  readonly models: readonly { readonly name: string; readonly version: bigint; readonly backend: string }[];
  /** Its accelerators, as they are now. */
  readonly devices: readonly DeviceStatus[];
  /** Process ids of the runtime children. */
  readonly runtimePids: readonly number[];
}

/** A trial that failed for want of memory or of a file may do better later. */
const trialsAgainMs = 600_000;

/** Starts a node: see ./service.ts. The first processes are its own from here on, to use or to end. */
export async function startNode(
  config: EdgeInferenceConfig,
  children: EarlyChildren,
  { log, clock }: EdgeInferenceDeps,
): Promise<RunningEdgeInference> {
  const undo = [() => children.stop()];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const settings = childSettingsOf(config);
    const guard = await startGuard(config.security, log);
    undo.push(async () => guard.stop());
    const warning = openToNetwork(config.listen, config.security);
    if (warning !== undefined) log.warn(warning);
    const instance = config.fleet?.nodeId ?? hostname();
    const tracing = config.trace === undefined ? undefined : await startTracing(config.trace, instance, log);
    if (tracing !== undefined) undo.push(() => tracing.stop());
    let manager: SwapManager | undefined;
    let health: HealthReport | undefined;
    let restarts = 0;
    const pool = await startPool({
      cpuSlots: config.slots,
      devices: await devicesOf(config),
      settings,
      invokeTimeoutMs: config.invokeTimeoutMs,
      loadTimeoutMs: config.probeTimeoutMs,
      log,
      onCrash: (handles) => {
        restarts++;
        manager?.crashed(handles);
      },
      onFault: () => health?.refresh(),
      firstChild: children.takeForSlot(),
    });
    undo.push(() => pool.stop());
    const memory = watchMemory({
      limitBytes: config.childMemoryMb === undefined ? undefined : config.childMemoryMb * 2 ** 20,
      pids: () => pool.pids,
      log,
      platform: process.platform,
    });
    undo.push(async () => memory.stop());
    const probing = { settings, timeoutMs: config.probeTimeoutMs, budgetMs: config.probeBudgetMs, log };
    const backends =
      config.backendTrials === undefined || config.backend !== 'auto'
        ? undefined
        : createBackendChoices({
            known: createKnownTrials(config.backendTrials, settings),
            tryAll: (pkg, signal) => tryBackends(pkg, probing, signal),
            onTried: async ({ model, version }, trials) => {
              const served = manager
                ?.versions()
                .find((one) => one.inService && one.served.pkg.model === model && one.served.pkg.version === version);
              const better = betterBackend(trials, served?.served.info.backend ?? '');
              if (better !== undefined) await manager?.renew(model, version, choiceInWords(trials));
            },
            log,
            settleMs: config.trialsSettleMs,
            againMs: trialsAgainMs,
          });
    if (backends !== undefined) undo.push(() => backends.stop());
    const photos = createPhotoWarmUp(log);
    undo.push(() => photos.stop());
    const swaps = createSwapManager({
      pool,
      candidatesOf: (pkg) => candidatesOf(pkg, config.backend, backends?.preferred(pkg)),
      probe: async (pkg, signal) => {
        await backends?.recall(pkg);
        const candidates = probeCandidatesOf(pkg, config.backend, backends?.preferred(pkg));
        return await probePackage(pkg, candidates, { ...probing, takeChild: () => children.takeForProbe() }, signal);
      },
      ...config.swap,
      waitLimit: config.queueLimit,
      clock,
      onServing: () => {
        health?.refresh();
        const served = (manager?.versions() ?? []).map((one) => one.served.pkg);
        backends?.consider(served);
        photos.consider(served);
      },
      log,
    });
    manager = swaps;
    undo.push(async () => swaps.stop());

    const folder = config.repository === undefined ? undefined : repositoryFolder(config.repository);
    if (config.repository !== undefined) await checkRepositoryFolder(config.repository);
    const repository = createRepository({ folder, files: config.models, swapper: swaps, log });

    const inference = createInference({
      manager: swaps,
      pool,
      clock,
      queueLimit: config.queueLimit,
      shadowing: createShadowing({ pool, clock, log }),
      ended: createEnded(tracing, log, clock),
    });
    const readiness = createReadiness(swaps, pool);
    const starting = new AbortController();
    const serving = serveFiles(swaps, config.models, starting.signal).then(() => repository.loadAll(starting.signal));
    // Its end is waited for below; where the start fails before, nothing of it goes on.
    undo.push(async () => {
      starting.abort();
      await serving.catch(() => undefined);
    });
    serving.catch(() => undefined);
    // What a trial needs is here; the doors are brought while the first model has its trial in another process.
    const { openDoors } = await import('./doors.js');
    const doors = await openDoors(config, {
      inference,
      manager: swaps,
      pool,
      repository,
      readiness,
      backends,
      guard,
      restarts: () => restarts,
      log,
    });
    undo.push(() => doors.stop());
    health = doors.health;
    health.refresh();
    await serving;
    await children.stop();
    if (config.fleet !== undefined) {
      const { address = doors.address, ...fleet } = config.fleet;
      // The bus and the releases are for those who have a fleet.
      const { startAgent } = await import('./agent/agent.js');
      const agent = await startAgent({ ...fleet, address, swapper: swaps.forFleet, log });
      undo.push(() => agent.stop());
    }
    photos.begin();
    return {
      address: doors.address,
      http: doors.http,
      swapper: swaps,
      repository,
      get models() {
        const serving = swaps.versions().filter(({ inService }) => inService);
        return serving.map(({ served: { pkg, info } }) => ({
          name: pkg.model,
          version: pkg.version,
          backend: info.backend,
        }));
      },
      get devices() {
        return pool.devices;
      },
      get runtimePids() {
        return pool.pids;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A node whose models run on a CPU by choice leaves the devices to others. */
async function devicesOf({ backend, devices }: EdgeInferenceConfig): Promise<readonly string[]> {
  if (backend === 'native' || backend === 'wasm') return [];
  return devices.names === 'auto' ? await pluggedDevices() : devices.names;
}

async function serveFiles(swapper: Swapper, files: EdgeInferenceConfig['models'], signal: AbortSignal): Promise<void> {
  for (const file of files) await serveFile(swapper, file, signal);
}

async function serveFile(
  swapper: Swapper,
  file: EdgeInferenceConfig['models'][number],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const result = await swapper.activate(await packageFromFile(file), signal);
  if (result.outcome === 'failed')
    throw new AtollError('FAILED_PRECONDITION', `cannot serve ${file.path}: ${result.message}`);
}
