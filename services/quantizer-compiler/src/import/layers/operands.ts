// What a function of the framework was called with. Keras 2 calls functions with positions and names, Keras 3 makes a layer of
// each and keeps what is no value of the model in its settings; here both are looked up by name.
import type { LayerOps } from '../layer-ops.js';
import { numbersIn } from '../layer-settings.js';
import type { LayerSettings } from '../layer-settings.js';
import { list, quoted } from '../topology-json.js';

/** A value of the graph, a list of operands, or a constant as written. */
export type Operand =
  | { readonly kind: 'value'; readonly index: number }
  | { readonly kind: 'list'; readonly items: readonly Operand[] }
  | { readonly kind: 'constant'; readonly value: unknown };

/** The operands of one call. */
export class Operands {
  readonly layer: LayerSettings;
  readonly ops: LayerOps;
  readonly #args: readonly Operand[];
  readonly #kwargs: ReadonlyMap<string, Operand>;

  constructor(layer: LayerSettings, ops: LayerOps, args: readonly Operand[], kwargs: ReadonlyMap<string, Operand>) {
    this.layer = layer;
    this.ops = ops;
    this.#args = args;
    this.#kwargs = kwargs;
  }

  /** The operand at a position or by one of its names; a constant null counts as absent. */
  find(position: number, ...names: readonly string[]): Operand | undefined {
    const given = this.#args[position] ?? names.map((name) => this.#kwargs.get(name)).find((one) => one !== undefined);
    if (given !== undefined) return given.kind === 'constant' && given.value === null ? undefined : given;
    const setting = names.map((name) => this.layer.setting(name)).find((one) => one !== undefined);
    return setting === undefined ? undefined : { kind: 'constant', value: setting };
  }

  /** The first operand, which must be a value of the graph. */
  input(): number {
    const first = this.#args[0];
    if (first?.kind === 'value') return first.index;
    throw this.layer.fault('is not given a value of the model first');
  }

  /** A constant as written, or undefined. */
  constant(position: number, ...names: readonly string[]): unknown {
    const operand = this.find(position, ...names);
    if (operand === undefined || operand.kind === 'constant') return operand?.value;
    throw this.layer.fault(`is given a value of the model as ${names.join(' or ')}; a constant is supported`);
  }

  /** A constant number. */
  number(fallback: number, position: number, ...names: readonly string[]): number {
    const value = this.constant(position, ...names) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.layer.fault(`has ${names.join(' or ')} ${quoted(value)}, not a number`);
  }

  /** Constant whole numbers, or undefined when they are not given. */
  integers(position: number, ...names: readonly string[]): readonly number[] | undefined {
    const value = this.constant(position, ...names);
    if (value === undefined) return undefined;
    const items = list(value) ?? [value];
    if (items.every((one): one is number => typeof one === 'number' && Number.isInteger(one))) return items;
    throw this.layer.fault(`has ${names.join(' or ')} ${quoted(value)}, not whole numbers`);
  }

  /** The values in a list operand. */
  values(position: number, ...names: readonly string[]): readonly [number, ...number[]] {
    const operand = this.find(position, ...names);
    const items = operand?.kind === 'list' ? operand.items : operand === undefined ? [] : [operand];
    const [first, ...rest] = items.flatMap((one) => (one.kind === 'value' ? [one.index] : []));
    if (first !== undefined && rest.length === items.length - 1) return [first, ...rest];
    throw this.layer.fault('is not given a list of values of the model');
  }

  /** A constant as a tensor: a number, or lists of numbers in lists. */
  tensor(value: unknown, name: string): number {
    const data = numbersIn(value);
    if (data === null) throw this.layer.fault(`is given ${quoted(value)}, not numbers`);
    return this.ops.floats(name, shapeOfLists(value), () => data);
  }
}

function shapeOfLists(value: unknown): readonly number[] {
  const items = list(value);
  if (items === undefined) return [1];
  const inner = list(items[0]);
  return inner === undefined ? [items.length] : [items.length, ...shapeOfLists(inner)];
}
