import { AtollError, reasonOf } from '@atoll/base/error';
import type { Engine, EngineName } from './engine.js';
import { engineNames } from './engine.js';

/** What may be asked for: an engine by name, or the first that loads. */
export type EngineChoice = 'auto' | EngineName;

/** The engine that was found, and one line about what it costs when it is not the best. */
export interface ChosenEngine {
  readonly engine: Engine;
  readonly warning: string | null;
}

/** How each engine is loaded. */
export type EngineLoaders = Readonly<Record<EngineName, () => Promise<Engine>>>;

/** An engine by name must load; `auto` takes the first of `engineNames` that does and says what it passed over. */
export async function chooseEngine(choice: EngineChoice, loaders: EngineLoaders): Promise<ChosenEngine> {
  if (choice !== 'auto') return { engine: await loaders[choice](), warning: null };
  const passedOver: string[] = [];
  for (const name of engineNames) {
    try {
      const engine = await loaders[name]();
      const warning =
        passedOver.length === 0
          ? null
          : `training on the engine ${name}, several times slower than the best: ${passedOver.join('; ')}`;
      return { engine, warning };
    } catch (error) {
      passedOver.push(reasonOf(error));
    }
  }
  throw new AtollError('UNAVAILABLE', `cannot train: ${passedOver.join('; ')}`);
}
