/*
 * What others may know of a node. It is small, so that it is loaded at once and the first runtime processes start before the rest
 * of a node is: that takes longer to load than a process to begin.
 */
import { type EdgeInferenceConfig, triesAtStart } from './config.js';
import type { TimedBackends, TimingRuntime } from './backends/time-file.js';
import type { EdgeInferenceDeps, RunningEdgeInference } from './node.js';
import { childSettingsOf } from './runtime/child-settings.js';
import { startEarlyChildren } from './runtime/early-children.js';

export type { EdgeInferenceConfig, FleetConfig } from './config.js';
export type { RunningEdgeInference } from './node.js';
export { standaloneConfig } from './config.js';
export { traceFromEnv } from './config/trace.js';
export { parseDevices } from './config/devices.js';

/** Starts a node: runtime, server, models given as files, and in a fleet the agent. Whatever fails, nothing is left running. */
export async function startEdgeInference(
  config: EdgeInferenceConfig,
  deps: EdgeInferenceDeps,
): Promise<RunningEdgeInference> {
  const children = startEarlyChildren(childSettingsOf(config), triesAtStart(config), deps.log);
  try {
    const { startNode } = await import('./node.js');
    return await startNode(config, children, deps);
  } catch (error) {
    await children.stop();
    throw error;
  }
}

/** Times a .tflite file on every backend of this machine's CPU as a node would, with zeros for its input. */
export async function timeBackends(path: string, runtime: TimingRuntime, signal: AbortSignal): Promise<TimedBackends> {
  const { timeFile } = await import('./backends/time-file.js');
  return await timeFile(path, runtime, signal);
}
