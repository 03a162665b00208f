/** What each service needs, at the least, to start by itself on a free port. */
export interface StartEnvironment {
  readonly service: string;
  /** Makes what the environment names; `keys` is a folder that does not exist yet. */
  readonly prepare: (keys: string) => Promise<Prepared>;
}

/** An environment, and what ends that which stands behind it. */
export interface Prepared {
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

const alone = (env: Readonly<Record<string, string>>): Promise<Prepared> =>
  Promise.resolve({ env, stop: () => Promise.resolve() });

/** The services of which images are made. */
export const startEnvironments: readonly StartEnvironment[] = [
  { service: 'trainer', prepare: () => alone({ ATOLL_TRAINER_LISTEN: '127.0.0.1:0' }) },
];
