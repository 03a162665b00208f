// Recurrent layers over few steps, written out step by step: int8 has no operation for them that every runtime knows. The
// products with the inputs of all steps are one dense operation; the first step begins with a state of zeros, so its product
// with the state is left out.
//   LSTM  i, f, o = s(x W + h U + b), g = a(...), c = f * c + i * g, h = o * a(c)
//   GRU   z, r = s(x W + b + h U + d), n = a(x W + b + r * (h U + d)), h = z * h + (1 - z) * n     (reset_after)
//   RNN   h = a(x W + h U + b)
import { elementCount } from '../../graph/graph.js';
import type { LayerOps } from '../layer-ops.js';
import type { LayerSettings } from '../layer-settings.js';
import { quoted, record } from '../topology-json.js';
import { activation, notFused } from './activations.js';
import { channelsFirst } from './convolutions.js';
import { fullyConnected } from './dense.js';
import { expectRank } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

/** Above this an unrolled model is larger than what it replaces. */
const maxSteps = 64;

type CellName = 'LSTM' | 'GRU' | 'SimpleRNN';

/** One layer at work: its settings, and "", "forward/" or "backward/" before the names of its weights. */
interface Cell {
  readonly layer: LayerSettings;
  readonly prefix: string;
  readonly units: number;
  readonly ops: LayerOps;
}

interface State {
  readonly h: number;
  readonly c: number;
}

/** From the input part of a step [1, gates * units] and the state before it, null at the first step, to the state after it. */
type Step = (cell: Cell, input: number, state: State | null) => State;

const cells: Readonly<Record<CellName, { readonly gates: number; readonly step: Step }>> = {
  LSTM: { gates: 4, step: lstmStep },
  GRU: { gates: 3, step: gruStep },
  SimpleRNN: { gates: 1, step: rnnStep },
};

const recurrent =
  (name: CellName): LayerImporter =>
  (layer, [input], ops) => {
    const states = unrolled(
      name,
      { layer, prefix: '', units: layer.size('units'), ops },
      input,
      layer.flag('go_backwards'),
    );
    const last = states.at(-1) ?? input;
    return layer.flag('return_sequences') ? sequence(states, ops) : last;
  };

/** The outputs of all steps in the order in which they are made. */
function unrolled(name: CellName, cell: Cell, input: number, backwards: boolean): readonly number[] {
  const { layer, ops, prefix, units } = cell;
  const { gates, step } = cells[name];
  expectRank(3, ops.shape(input), layer);
  const [, steps = 1, depth = 1] = ops.shape(input);
  layer.refuseUnless(steps <= maxSteps, `has ${steps} steps; up to ${maxSteps} are written out`);
  for (const key of ['return_state', 'stateful', 'time_major'])
    layer.refuseUnless(!layer.flag(key), `has ${key}, which is not supported`);
  layer.refuseUnless(
    name !== 'GRU' || layer.setting('reset_after') !== false,
    'has reset_after false; true is supported',
  );
  const wide = gates * units;
  const kernel = ops.floats(`${prefix}kernel`, [wide, depth], () =>
    channelsFirst(layer.weight(`${prefix}kernel`, [depth, wide]).data, wide),
  );
  const bias = ops.floats(`${prefix}bias`, [wide], () => biasRow(cell, name, 0, wide));
  const rows = fullyConnected(ops.reshape(input, [steps, depth], 'steps'), kernel, bias, ops);
  const inputs = split(rows, 0, steps, `${prefix}step`, ops);
  const states: number[] = [];
  let state: State | null = null;
  for (const row of backwards ? inputs.toReversed() : inputs) {
    state = step(cell, row, state);
    states.push(state.h);
  }
  return states;
}

/** GRU has two rows of bias, one for the input and one for the state. */
function biasRow({ layer, prefix }: Cell, name: CellName, row: number, wide: number): Float32Array {
  if (layer.setting('use_bias') === false) return new Float32Array(wide);
  if (name !== 'GRU') return layer.weight(`${prefix}bias`, [wide]).data;
  return layer.weight(`${prefix}bias`, [2, wide]).data.slice(row * wide, (row + 1) * wide);
}

/** h U + bias; the bias is zero unless the cell has one for the state. */
function fromState(cell: Cell, h: number, gates: number, bias: () => Float32Array): number {
  const { layer, ops, prefix, units } = cell;
  const wide = gates * units;
  const kernel = ops.floats(`${prefix}recurrent_kernel`, [wide, units], () => {
    return channelsFirst(layer.weight(`${prefix}recurrent_kernel`, [units, wide]).data, wide);
  });
  return fullyConnected(h, kernel, ops.floats(`${prefix}recurrent_bias`, [wide], bias), ops);
}

function lstmStep(cell: Cell, input: number, state: State | null): State {
  const { layer, ops, units } = cell;
  const zeros = (): Float32Array => new Float32Array(4 * units);
  const sum = state === null ? input : ops.binary('ADD', input, fromState(cell, state.h, 4, zeros));
  const [i = sum, f = sum, g = sum, o = sum] = split(sum, 1, 4, 'gates', ops);
  const gate = (value: number): number => recurrentActivation(layer, value, ops);
  const fresh = ops.binary('MUL', gate(i), valueActivation(layer, g, ops));
  const c = state === null ? fresh : ops.binary('ADD', ops.binary('MUL', gate(f), state.c), fresh);
  return { c, h: ops.binary('MUL', gate(o), valueActivation(layer, c, ops)) };
}

function gruStep(cell: Cell, input: number, state: State | null): State {
  const { layer, ops, prefix, units } = cell;
  const [xz = input, xr = input, xn = input] = split(input, 1, 3, 'gates', ops);
  const bias = (): Float32Array => biasRow(cell, 'GRU', 1, 3 * units);
  const part = (gate: number): number =>
    ops.floats(`${prefix}first_${gate}`, [1, units], () => bias().slice(gate * units, (gate + 1) * units));
  const before =
    state === null ? [part(0), part(1), part(2)] : split(fromState(cell, state.h, 3, bias), 1, 3, 'state', ops);
  const [hz = input, hr = input, hn = input] = before;
  const z = recurrentActivation(layer, ops.binary('ADD', xz, hz), ops);
  const r = recurrentActivation(layer, ops.binary('ADD', xr, hr), ops);
  const n = valueActivation(layer, ops.binary('ADD', xn, ops.binary('MUL', r, hn)), ops);
  const kept = ops.binary('SUB', n, ops.binary('MUL', z, n));
  const h = state === null ? kept : ops.binary('ADD', kept, ops.binary('MUL', z, state.h));
  return { h, c: h };
}

function rnnStep(cell: Cell, input: number, state: State | null): State {
  const { layer, ops, units } = cell;
  const zeros = (): Float32Array => new Float32Array(units);
  const sum = state === null ? input : ops.binary('ADD', input, fromState(cell, state.h, 1, zeros));
  const h = valueActivation(layer, sum, ops);
  return { h, c: h };
}

/** The activation of values: Keras leaves tanh unsaid where it is the default. */
function valueActivation(layer: LayerSettings, input: number, ops: LayerOps): number {
  return layer.setting('activation') === undefined ? ops.add('TANH', [input], null) : activation(layer, input, ops);
}

function recurrentActivation(layer: LayerSettings, input: number, ops: LayerOps): number {
  const key = 'recurrent_activation';
  return layer.setting(key) === undefined ? ops.add('LOGISTIC', [input], null) : activation(layer, input, ops, key);
}

/** Equal parts along an axis. */
function split(input: number, axis: number, parts: number, name: string, ops: LayerOps): readonly number[] {
  if (parts === 1) return [input];
  return ops.addMany('SPLIT', [ops.ints('axis', [axis], []), input], { type: 'SplitOptions', numSplits: parts }, name);
}

/** [1, units] of every step as [1, steps, units]. */
function sequence(states: readonly number[], ops: LayerOps): number {
  const [first = 0] = states;
  const units = elementCount(ops.shape(first));
  const options = { type: 'ConcatenationOptions', axis: 0, activation: notFused } as const;
  const rows = states.length === 1 ? first : ops.add('CONCATENATION', states, options);
  return ops.reshape(rows, [1, states.length, units]);
}

/** The same kind of layer run from both ends, with weights of its own for each. */
const bidirectional: LayerImporter = (layer, [input], ops) => {
  const { class_name: className, config } = record(layer.setting('layer')) ?? {};
  const name = (Object.keys(cells) as CellName[]).find((one) => one === className);
  const settings = record(config);
  if (name === undefined || settings === undefined) {
    throw layer.fault(`wraps ${quoted(className)}; ${Object.keys(cells).join(', ')} are supported`);
  }
  const inner = layer.withConfig(settings);
  const other = record(layer.setting('backward_layer'));
  const backwardSettings = record(other?.['config']);
  layer.refuseUnless(
    other === undefined || (other['class_name'] === name && backwardSettings !== undefined),
    `wraps ${name} forward and ${quoted(other?.['class_name'])} backward; the same class is supported`,
  );
  const backwardInner = backwardSettings === undefined ? inner : layer.withConfig(backwardSettings);
  layer.refuseUnless(
    backwardInner.flag('return_sequences') === inner.flag('return_sequences'),
    'gives the steps of one direction and the end of the other',
  );
  layer.refuseUnless(
    layer.layer.config['merge_mode'] !== null,
    'gives both directions apart (merge_mode null); concat, sum, mul and ave are supported',
  );
  layer.refuseUnless(!inner.flag('go_backwards'), 'wraps a layer that goes backwards');
  const merge = layer.word('merge_mode', 'concat', ['concat', 'sum', 'mul', 'ave']);
  const run = (one: LayerSettings, prefix: string, backwards: boolean): readonly number[] =>
    unrolled(name, { layer: one, prefix, units: one.size('units'), ops }, input, backwards);
  const [forward, backward] = [run(inner, 'forward/', false), run(backwardInner, 'backward/', true)];
  const sequences = inner.flag('return_sequences');
  const a = sequences ? sequence(forward, ops) : (forward.at(-1) ?? input);
  const b = sequences ? sequence(backward.toReversed(), ops) : (backward.at(-1) ?? input);
  if (merge === 'concat') {
    const axis = ops.shape(a).length - 1;
    return ops.add('CONCATENATION', [a, b], { type: 'ConcatenationOptions', axis, activation: notFused });
  }
  if (merge === 'mul') return ops.binary('MUL', a, b);
  const sum = ops.binary('ADD', a, b);
  return merge === 'sum' ? sum : ops.scaled(sum, 0.5, 'half');
};

/** Recurrent layers of few steps. */
export const recurrentLayers: ImporterTable = {
  LSTM: recurrent('LSTM'),
  GRU: recurrent('GRU'),
  SimpleRNN: recurrent('SimpleRNN'),
  Bidirectional: bidirectional,
};
