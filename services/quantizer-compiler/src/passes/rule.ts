// How a pass is written: a rule looks at one operation and its neighbours and says what to put in their place. `applyRule` lets it
// go over the graph until it finds nothing more. A rule never changes what it is given.
import { AtollError } from '@atoll/base/error';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { dropDead } from './drop-dead.js';

/** A graph with what a rule asks of it. */
export interface View {
  readonly graph: Graph;
  /** The operation that makes a value; nothing for inputs and constants. */
  readonly makers: ReadonlyMap<number, Op>;
  /** The operations that read a value, one entry a reading. */
  readonly readers: ReadonlyMap<number, readonly Op[]>;
  readonly outputs: ReadonlySet<number>;
  readonly names: ReadonlySet<string>;
}

/** What a rule changes. */
export interface Change {
  /** Operations in the place of each named one; none removes it. */
  readonly replaced: ReadonlyMap<Op, readonly Op[]>;
  /** Values that are another thing from now on. */
  readonly changed?: ReadonlyMap<number, Value>;
  /** New values; the first gets the index `graph.values.length`. */
  readonly added?: readonly Value[];
  /** Readers of the first value read the second in its place. */
  readonly redirected?: readonly [from: number, to: number];
}

/** Says what to change around `op`, or null. */
export type Rule = (view: View, op: Op) => Change | null;

/**
 * Applies a rule wherever it applies, its own results included, in sweeps from input to output until one changes nothing; what
 * nothing reads any more is dropped.
 */
export function applyRule(graph: Graph, rule: Rule): Graph {
  const most = 100 + 20 * graph.ops.length;
  const view = viewOf(graph);
  let changes = 0;
  for (let before = -1; before < changes;) {
    before = changes;
    for (let at = 0; at < view.graph.ops.length;) {
      const op = view.graph.ops[at];
      const change = op === undefined ? null : rule(view, op);
      if (change === null) {
        at++;
        continue;
      }
      if (++changes > most) throw new AtollError('INTERNAL', `cannot simplify ${graph.name}: a rule has no end`);
      update(view, change);
    }
  }
  return changes === 0 ? graph : dropDead(view.graph);
}

/** A view that follows its graph from change to change: looking at everything anew would take the square of its size. */
interface LiveView extends View {
  graph: Graph;
  readonly makers: Map<number, Op>;
  readonly readers: Map<number, readonly Op[]>;
  readonly names: Set<string>;
}

/** Looks at a graph. */
export function viewOf(graph: Graph): LiveView {
  const names = new Set(graph.values.map(({ name }) => name));
  const view = { graph, makers: new Map(), readers: new Map(), outputs: new Set(graph.outputs), names };
  for (const op of graph.ops) enter(view, op);
  return view;
}

/** The graph after a change. */
export function applyChange(graph: Graph, change: Change): Graph {
  const view = viewOf(graph);
  update(view, change);
  return view.graph;
}

function update(view: LiveView, change: Change): void {
  const { graph, readers, names } = view;
  const [from, to] = change.redirected ?? [-1, -1];
  const redirect = (op: Op): Op =>
    op.inputs.includes(from) ? { ...op, inputs: op.inputs.map((input) => (input === from ? to : input)) } : op;
  const replaced = new Map<Op, readonly Op[]>();
  for (const op of readers.get(from) ?? []) replaced.set(op, [redirect(op)]);
  for (const [op, ops] of change.replaced) replaced.set(op, ops.map(redirect));
  for (const op of replaced.keys()) leave(view, op);
  for (const ops of replaced.values()) for (const op of ops) enter(view, op);
  const values = [...graph.values];
  change.changed?.forEach((value, index) => (values[index] = value));
  for (const value of change.added ?? []) {
    names.add(value.name);
    values.push(value);
  }
  view.graph = { ...graph, values, ops: graph.ops.flatMap((op) => replaced.get(op) ?? [op]) };
}

function enter({ makers, readers }: LiveView, op: Op): void {
  for (const output of op.outputs) makers.set(output, op);
  for (const input of op.inputs) readers.set(input, [...(readers.get(input) ?? []), op]);
}

function leave({ makers, readers }: LiveView, op: Op): void {
  for (const output of op.outputs) if (makers.get(output) === op) makers.delete(output);
  for (const input of op.inputs) {
    readers.set(
      input,
      (readers.get(input) ?? []).filter((reader) => reader !== op),
    );
  }
}

/** The only reader of a value that is no output of the graph; undefined when there is another. */
export function onlyReader(view: View, index: number): Op | undefined {
  const readers = view.readers.get(index) ?? [];
  return readers.length === 1 && !view.outputs.has(index) ? readers[0] : undefined;
}

/** Lets the readers of what `op` makes read `source`, one of its inputs; null where a name of the graph's border would be lost. */
export function bypass(view: View, op: Op, source: number): Change | null {
  const [output = -1] = op.outputs;
  if (!view.outputs.has(output)) return { replaced: new Map([[op, []]]), redirected: [output, source] };
  const maker = view.makers.get(source);
  if (maker === undefined || onlyReader(view, source) !== op) return null;
  const outputs = maker.outputs.map((index) => (index === source ? output : index));
  return {
    replaced: new Map([
      [op, []],
      [maker, [{ ...maker, outputs }]],
    ]),
  };
}

/** Puts a change together where several operations or constants take part. */
export class Draft {
  readonly #view: View;
  readonly #replaced = new Map<Op, readonly Op[]>();
  readonly #changed = new Map<number, Value>();
  readonly #added: Value[] = [];

  constructor(view: View) {
    this.#view = view;
  }

  /** Adds a value and gives its index; its name is made unique. */
  add(value: Value): number {
    const taken = (name: string): boolean =>
      this.#view.names.has(name) || this.#added.some((added) => added.name === name);
    let { name } = value;
    for (let count = 1; taken(name); count++) name = `${value.name}_${count}`;
    this.#added.push({ ...value, name });
    return this.#view.graph.values.length + this.#added.length - 1;
  }

  replace(op: Op, ops: readonly Op[]): void {
    this.#replaced.set(op, ops);
  }

  /** Gives an operation other data for constants that it reads: in place where nothing else reads them, else as new values. */
  constants(op: Op, data: ReadonlyMap<number, Float32Array>): Op {
    const moved = new Map<number, number>();
    for (const [index, elements] of data) {
      const value = valueAt(this.#view.graph, index);
      if (onlyReader(this.#view, index) === op) this.#changed.set(index, { ...value, data: elements });
      else moved.set(index, this.add({ ...value, data: elements }));
    }
    const changed = moved.size === 0 ? op : { ...op, inputs: op.inputs.map((input) => moved.get(input) ?? input) };
    if (changed !== op) this.replace(op, [changed]);
    return changed;
  }

  change(redirected?: readonly [from: number, to: number]): Change {
    return {
      replaced: this.#replaced,
      changed: this.#changed,
      added: this.#added,
      ...(redirected === undefined ? {} : { redirected }),
    };
  }

  /** Takes over what `bypass` found. */
  merge(change: Change): Change {
    for (const [op, ops] of change.replaced) {
      const mine = this.#replaced.get(op)?.[0];
      const [theirs] = ops;
      this.#replaced.set(op, mine !== undefined && theirs !== undefined ? [{ ...mine, outputs: theirs.outputs }] : ops);
    }
    return this.change(change.redirected);
  }
}
