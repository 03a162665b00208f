import type { EngineLoaders } from './choose-engine.js';
import { loadTfjsNode } from './tfjs-node.js';
import { loadWasm } from './wasm.js';

/** How each engine is loaded in this build. One process uses one engine. */
export const engineLoaders: EngineLoaders = { 'tfjs-node': loadTfjsNode, wasm: loadWasm };
