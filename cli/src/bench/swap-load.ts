/** Clients in a closed loop that look at every answer: who made it, whether it is that version's, and how long it took. */
import { reasonOf } from '@atoll/base/error';
import { GRPCInferenceServiceService, type ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import type { Channel } from '@atoll/rpc/channel';
import { mayHaveAnswered, type SeenSwap } from './swap-judge.js';

/** What was seen so far; `windows` collects latencies of requests that began in a window. */
export interface SeenLoad {
  readonly requests: number;
  readonly failed: number;
  /** Named a version that was not in service. */
  readonly wrongVersion: number;
  /** Had other bytes than the version that it named. */
  readonly wrongOutput: number;
  /** The first few words of failures. */
  readonly words: readonly string[];
}

/** A load under way. */
export interface SwapLoad {
  /** Latencies from now on go there; undefined drops them. */
  collect(into: number[] | undefined): void;
  seen(): SeenLoad;
  stop(): Promise<void>;
}

/** What a load is judged by. */
export interface SwapLoadSetting {
  readonly request: ModelInferRequest;
  readonly clients: number;
  readonly swaps: readonly SeenSwap[];
  /** The right bytes of a version's answer. */
  readonly expected: (version: number) => Uint8Array;
}

const keptWords = 5;

/** Starts it. */
export function startSwapLoad(channel: Channel, setting: SwapLoadSetting, signal: AbortSignal): SwapLoad {
  const client = channel.client(GRPCInferenceServiceService);
  const { request, swaps, expected } = setting;
  const seen = { requests: 0, failed: 0, wrongVersion: 0, wrongOutput: 0, words: new Array<string>() };
  const told = (words: string): void => {
    if (seen.words.length < keptWords) seen.words.push(words);
  };
  let into: number[] | undefined;
  let stopped = false;

  const ask = async (): Promise<void> => {
    const times = into;
    const sentMs = performance.now();
    seen.requests++;
    try {
      const { modelVersion, rawOutputContents } = await client.modelInfer(request, { signal });
      const endedMs = performance.now();
      times?.push(endedMs - sentMs);
      const version = Number(modelVersion);
      if (!mayHaveAnswered({ version, sentMs, endedMs }, swaps)) {
        seen.wrongVersion++;
        told(`version ${modelVersion} answered while it was not in service`);
      } else if (Buffer.compare(expected(version), rawOutputContents[0] ?? new Uint8Array(0)) !== 0) {
        seen.wrongOutput++;
        told(`version ${modelVersion} answered ${rawOutputContents[0]?.join(' ')}, not ${expected(version).join(' ')}`);
      }
    } catch (error) {
      if (stopped || signal.aborted) return;
      seen.failed++;
      told(reasonOf(error));
    }
  };
  const loop = async (): Promise<void> => {
    while (!stopped && !signal.aborted) await ask();
  };
  const loops = Promise.all(Array.from({ length: setting.clients }, loop));
  return {
    collect: (times) => {
      into = times;
    },
    seen: () => ({ ...seen, words: [...seen.words] }),
    stop: async () => {
      stopped = true;
      await loops;
    },
  };
}
