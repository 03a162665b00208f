import { AtollError } from '@atoll/base/error';
import type { Repository } from '../models/repository/repository.js';
import { jsonAnswer } from './answer.js';
import type { Exchange } from './exchange.js';
import type { Handler } from './handlers.js';
import { readJsonObject } from './json-object.js';

/** Of JSON that says what to do; parsing holds up everybody. */
const maxParametersBytes = 64 * 1024;

/** POST /v2/repository/index; `{"ready": true}` lists only what serves. */
export function repositoryIndex(repository: Repository): Handler {
  return async (exchange) => {
    const { ready = false } = await parametersOf(exchange);
    if (typeof ready !== 'boolean') throw refuse('list the models: ready is not true or false');
    const entries = (await repository.index()).filter(({ state }) => !ready || state === 'READY');
    return jsonAnswer(
      200,
      entries.map(({ name, version, state, reason }) => ({
        name,
        ...(version === '' ? {} : { version }),
        state,
        ...(reason === '' ? {} : { reason }),
      })),
    );
  };
}

/** POST /v2/repository/models/NAME/load; `{"parameters": {"version": "3"}}` takes that version instead of the newest. */
export function repositoryLoad(repository: Repository): Handler {
  return async (exchange) => {
    const { model } = exchange.route;
    const { parameters = {} } = await parametersOf(exchange);
    const { version, ...unknown } = parameters as Readonly<Record<string, unknown>>;
    const [other] = Object.keys(unknown);
    // Triton's own would replace what the folder says of the model; nothing is to be believed that was not done.
    if (other !== undefined) throw refuse(`load ${model}: parameter ${other.slice(0, 40)} is not known`);
    if (version !== undefined && !(typeof version === 'string' && /^[1-9]\d{0,17}$/.test(version))) {
      throw refuse(`load ${model}: parameter version is not a number from 1 as text`);
    }
    await repository.load(model, version === undefined ? undefined : BigInt(version), exchange.signal);
    return jsonAnswer(200, {});
  };
}

/** POST /v2/repository/models/NAME/unload */
export function repositoryUnload(repository: Repository): Handler {
  return async (exchange) => {
    // Read for its faults and for the connection's next request; `unload_dependents` has nothing to act on here.
    await parametersOf(exchange);
    await repository.unload(exchange.route.model);
    return jsonAnswer(200, {});
  };
}

async function parametersOf(exchange: Exchange): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await exchange.body(maxParametersBytes);
  return bytes.byteLength === 0 ? {} : readJsonObject(bytes);
}

function refuse(reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot ${reason}`);
}
