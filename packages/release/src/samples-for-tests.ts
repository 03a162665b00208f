import { type DesiredState, NodePhase, type ReleaseManifest, type StatusReport } from '@atoll/proto/atoll/v1/release';
import { sha256 } from '@atoll/base/digest';
import { chunkDigests } from './chunks.js';

/** The bytes that sampleManifest describes as its one file. */
export const sampleModelBytes: Uint8Array = Buffer.alloc(10_000, 'atoll');

/** A release that is right in every field, for tests of whoever takes one; times in milliseconds since the Unix epoch. */
export function sampleManifest(change: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    model: 'birds',
    version: 1n,
    artifacts: [
      {
        target: 'cpu',
        sha256: sha256(sampleModelBytes),
        sizeBytes: BigInt(sampleModelBytes.length),
        chunkSizeBytes: 4096,
        chunkSha256: chunkDigests(sampleModelBytes, 4096),
        minRuntimeVersion: 0,
      },
    ],
    inputs: [{ name: 'photo', datatype: 'UINT8', shape: [1n, 2n, 2n, 3n], scale: 0.5, zeroPoint: 128 }],
    outputs: [{ name: 'scores', datatype: 'UINT8', shape: [1n, 2n], scale: 0.25, zeroPoint: 0 }],
    preprocessing: { width: 2, height: 2, mean: 0, std: 255 },
    labels: ['robin', 'wren'],
    golden: [],
    createdUnixMs: 1_000n,
    expiresUnixMs: 9_000n,
    minVersionFloor: 0n,
    lineage: {},
    ...change,
  };
}

/** A desired state that is right in every field. */
export function sampleDesired(change: Partial<DesiredState> = {}): DesiredState {
  return {
    nodeId: 'node-1',
    generation: 1n,
    rollout: 'birds-v1',
    model: 'birds',
    version: 1n,
    manifestSha256: sha256('manifest'),
    downgradeOk: false,
    expiresUnixMs: 9_000n,
    createdUnixMs: 1_000n,
    attempt: 0,
    wave: 0,
    notBeforeUnixMs: 0n,
    rootVersion: 0n,
    soak: { durationMs: 1_000, minRequests: 10, maxErrorRate: 0.05, maxLatencyRatio: 3, prepareDeadlineMs: 60_000 },
    ...change,
  };
}

/** A status report that is right in every field. */
export function sampleStatus(change: Partial<StatusReport> = {}): StatusReport {
  return {
    nodeId: 'node-1',
    bootId: 'boot-1',
    sequence: 1n,
    observedGeneration: 0n,
    phase: NodePhase.NODE_PHASE_STEADY,
    reasonCode: '',
    message: '',
    model: '',
    version: 0n,
    manifestSha256: '',
    backend: '',
    address: '127.0.0.1:7411',
    labels: {},
    health: undefined,
    createdUnixMs: 1_000n,
    attempt: 0,
    previousVersion: 0n,
    floor: 0n,
    alarms: [],
    clockOffsetMs: 0n,
    baseline: undefined,
    denied: 0,
    ...change,
  };
}
