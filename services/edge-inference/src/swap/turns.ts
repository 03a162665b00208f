/** Work that is done one piece after the other. */
export interface Turns {
  /** True while something is under way or waits. */
  readonly busy: boolean;
  /** Does it once all before it has ended, however that ended. */
  take<T>(task: () => Promise<T>): Promise<T>;
}

/** Turns with nothing under way. */
export function createTurns(): Turns {
  let tail: Promise<unknown> = Promise.resolve();
  let tasks = 0;
  return {
    get busy() {
      return tasks > 0;
    },
    take(task) {
      tasks++;
      const mine = tail.then(task).finally(() => tasks--);
      tail = mine.catch(() => undefined);
      return mine;
    },
  };
}
