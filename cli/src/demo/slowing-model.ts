/**
 * A model that passes every trial and then turns slow: the network as it is, and beside it a counter that outlives a run
 * (a resource variable). Once the counter has passed `after`, each run works through the network `times` more in a loop
 * whose result nobody reads. Its answers stay right, so only a soak that watches latency can find it.
 */
import type { TensorType } from '@atoll/tflite/enums';
import {
  mainSubgraph,
  type Operator,
  type OperatorCode,
  type Subgraph,
  type Tensor,
  type TfLiteModel,
} from '@atoll/tflite/model';
import { type BuiltinName, builtinCode } from '@atoll/tflite/ops';

/** When and how much the model slows. */
export interface Slowing {
  /** Runs before it slows. */
  readonly after: number;
  /** How often it works through the network in vain from then on. */
  readonly times: number;
}

const addedOps = [
  'CALL_ONCE',
  'VAR_HANDLE',
  'READ_VARIABLE',
  'ASSIGN_VARIABLE',
  'ADD',
  'LESS',
  'SELECT',
  'WHILE',
] as const;
type AddedOp = (typeof addedOps)[number];

/** The same network with the counter and the loop; the model must have one subgraph and one input. */
export function slowingModel(model: TfLiteModel, slowing: Slowing): TfLiteModel {
  const network = mainSubgraph(model);
  const [input] = network.inputs;
  if (model.subgraphs.length !== 1 || input === undefined || network.inputs.length !== 1) {
    throw new RangeError('cannot slow a model that has not exactly one subgraph with one input');
  }
  const buffers = [...model.buffers];
  const constant = (value: number): number => buffers.push(new Uint8Array(Int32Array.of(value).buffer)) - 1;
  const [zero, one, after, times] = [constant(0), constant(1), constant(slowing.after), constant(slowing.times)];
  const codeOf = (name: AddedOp): number => model.operatorCodes.length + addedOps.indexOf(name);

  const main = growing(network, codeOf);
  const zeroes = main.tensor('slowing/zero', 'int32', zero);
  const handle = main.tensor('slowing/handle', 'resource');
  main.operator('CALL_ONCE', [], [], { type: 'CallOnceOptions', initSubgraph: 1 });
  main.operator('VAR_HANDLE', [], [handle], counterOptions);
  const before = main.tensor('slowing/before', 'int32');
  main.operator('READ_VARIABLE', [handle], [before], { type: 'ReadVariableOptions' });
  const count = main.tensor('slowing/count', 'int32');
  main.operator('ADD', [before, main.tensor('slowing/one', 'int32', one)], [count], addOptions);
  main.operator('ASSIGN_VARIABLE', [handle, count], [], { type: 'AssignVariableOptions' });
  const slow = main.tensor('slowing/slow', 'bool');
  main.operator('LESS', [main.tensor('slowing/after', 'int32', after), count], [slow], { type: 'LessOptions' });
  const rounds = main.tensor('slowing/rounds', 'int32');
  main.operator('SELECT', [slow, main.tensor('slowing/times', 'int32', times), zeroes], [rounds], {
    type: 'SelectOptions',
  });
  const pixels = tensorAt(network, input);
  const out = [main.tensor('slowing/i', 'int32'), main.tensor('slowing/n', 'int32'), main.like('slowing/x', pixels)];
  main.operator('WHILE', [zeroes, rounds, input], out, { type: 'WhileOptions', condSubgraph: 2, bodySubgraph: 3 });

  const first = growing(empty('slowing/first'), codeOf);
  const firstHandle = first.tensor('handle', 'resource');
  first.operator('VAR_HANDLE', [], [firstHandle], counterOptions);
  const start = first.tensor('zero', 'int32', zero);
  first.operator('ASSIGN_VARIABLE', [firstHandle, start], [], { type: 'AssignVariableOptions' });

  const condition = growing(empty('slowing/condition'), codeOf);
  const loop = [condition.tensor('i', 'int32'), condition.tensor('n', 'int32'), condition.like('x', pixels)];
  const more = condition.tensor('more', 'bool');
  condition.operator('LESS', loop.slice(0, 2), [more], { type: 'LessOptions' });

  const body = growing({ ...network, name: 'slowing/body' }, codeOf);
  const [i, n] = [body.tensor('slowing/i', 'int32'), body.tensor('slowing/n', 'int32')];
  const next = body.tensor('slowing/next', 'int32');
  body.operator('ADD', [i, body.tensor('slowing/one', 'int32', one)], [next], addOptions);

  return {
    ...model,
    description: `${model.description} (slows after ${slowing.after} runs)`,
    operatorCodes: [...model.operatorCodes, ...addedOps.map(codeFor)],
    buffers,
    subgraphs: [
      main.done(network.inputs, network.outputs),
      first.done([], []),
      condition.done(loop, [more]),
      body.done([i, n, input], [next, n, input]),
    ],
  };
}

const counterOptions: Operator['options'] = { type: 'VarHandleOptions', container: '', sharedName: 'slowing/counter' };
const addOptions: Operator['options'] = { type: 'AddOptions', activation: 0, potScaleInt16: true };

function codeFor(name: BuiltinName): OperatorCode {
  return { code: builtinCode(name), customCode: '', version: 1 };
}

function empty(name: string): Subgraph {
  return { name, tensors: [], inputs: [], outputs: [], operators: [] };
}

function tensorAt(graph: Subgraph, index: number): Tensor {
  const tensor = graph.tensors[index];
  if (tensor === undefined) throw new RangeError(`subgraph ${graph.name} has no tensor ${index}`);
  return tensor;
}

/** A subgraph that grows by tensors and operators at its end. */
function growing(graph: Subgraph, codeOf: (name: AddedOp) => number) {
  const tensors = [...graph.tensors];
  const operators = [...graph.operators];
  return {
    tensor: (name: string, type: TensorType, buffer = 0): number =>
      tensors.push({
        name,
        type,
        shape: [1],
        buffer,
        quantization: null,
        isVariable: false,
        shapeSignature: [],
        hasRank: true,
        sparsity: null,
        variantTensors: [],
      }) - 1,
    like: (name: string, tensor: Tensor): number => tensors.push({ ...tensor, name, buffer: 0 }) - 1,
    operator: (name: AddedOp, inputs: readonly number[], outputs: readonly number[], options: Operator['options']) =>
      void operators.push({
        opcode: codeOf(name),
        inputs,
        outputs,
        options,
        customOptions: new Uint8Array(),
        mutatingInputs: [],
        intermediates: [],
      }),
    done: (inputs: readonly number[], outputs: readonly number[]): Subgraph => ({
      ...graph,
      tensors,
      operators,
      inputs,
      outputs,
    }),
  };
}
