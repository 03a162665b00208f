// Operators of a .tflite file as operations, and the refusals of those that the compiler does not take.
import { AtollError } from '@atoll/base/error';
import { activations, paddings, tensorTypes } from '@atoll/tflite/enums';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { Operator, TfLiteModel } from '@atoll/tflite/model';
import { customCode } from '@atoll/tflite/ops';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { Op } from '../graph/graph.js';
import { opTable, supportedOps } from '../graph/op-table.js';

/** The operators of the main subgraph, in order. */
export function tfliteOps(model: TfLiteModel, file: string): readonly Op[] {
  return mainSubgraph(model).operators.map((operator, index) => opOf(model, operator, index, file));
}

function opOf(model: TfLiteModel, operator: Operator, index: number, file: string): Op {
  const name = operatorName(model, operator);
  const refuse = (why: string): AtollError => {
    const output = mainSubgraph(model).tensors[operator.outputs[0] ?? -1]?.name ?? '';
    return new AtollError(
      'INVALID_ARGUMENT',
      `cannot import ${file}: operator ${index} (${name}) that makes ${JSON.stringify(output)} ${why}`,
    );
  };
  const isCustom = model.operatorCodes[operator.opcode]?.code === customCode;
  const kind = isCustom ? undefined : byName.get(name);
  if (kind === undefined) throw refuse(whyNot(name, isCustom));
  // Optional inputs at the end may be left out; one in the middle would shift those behind it.
  const inputs = operator.inputs.slice(0, operator.inputs.findLastIndex((input) => input !== -1) + 1);
  if (inputs.includes(-1) || operator.outputs.includes(-1))
    throw refuse('leaves out an input before others, or an output');
  const [least, most] = opTable[kind]?.arity ?? [0, 0];
  if (inputs.length < least || inputs.length > most) throw refuse(`has ${inputs.length} inputs`);
  const { options } = operator;
  if (options?.type === 'FullyConnectedOptions' && options.weightsFormat !== 0) {
    throw refuse('has shuffled weights; convert the model again with the default format');
  }
  if (options !== null && 'activation' in options && !fusable.has(options.activation)) {
    throw refuse(`has fused activation ${options.activation}; RELU, RELU6 and RELU_N1_TO_1 are supported`);
  }
  if (
    options !== null &&
    'padding' in options &&
    options.padding !== paddings.SAME &&
    options.padding !== paddings.VALID
  ) {
    throw refuse(`has padding ${String(options.padding)}`);
  }
  // An index is int32 here, whatever the file says.
  const isIndex = options?.type === 'ArgMaxOptions' || options?.type === 'ArgMinOptions';
  return {
    kind,
    inputs,
    outputs: operator.outputs,
    options: isIndex ? { ...options, outputType: tensorTypes.int32 } : options,
  };
}

const byName: ReadonlyMap<string, BuiltinName> = new Map(supportedOps.map((kind) => [kind, kind]));

const fusable: ReadonlySet<unknown> = new Set<unknown>([
  activations.NONE,
  activations.RELU,
  activations.RELU6,
  activations.RELU_N1_TO_1,
]);

/** Why an operator is not taken, and what to do. */
function whyNot(name: string, isCustom: boolean): string {
  if (name === 'TFLite_Detection_PostProcess') {
    return 'picks boxes, which has no int8 form: give the model up to its raw boxes and scores, and pick boxes outside it';
  }
  if (name.startsWith('Flex')) return 'runs in TensorFlow itself: convert the model without SELECT_TF_OPS';
  if (isCustom) return 'is a custom operator: give the model without it';
  if (/LSTM|RNN|SVDF/.test(name))
    return 'is a recurrent layer, which is not supported: unroll it, or give the model without it';
  if (controlFlow.has(name)) return 'is control flow, which is not supported: give a model of straight operations';
  if (variables.has(name)) return 'keeps state between runs, which is not supported: freeze the variables';
  if (name === 'DENSIFY') return 'unpacks sparse weights, which is not supported: give the model with dense ones';
  if (name.startsWith('STABLEHLO_')) return 'is a StableHLO operator: convert the model to TFLite operators';
  return `is not supported; these are: ${supportedOps.filter((kind) => opTable[kind]?.foldable === false).join(', ')}`;
}

const controlFlow: ReadonlySet<string> = new Set(['IF', 'WHILE', 'CALL', 'CALL_ONCE']);
const variables: ReadonlySet<string> = new Set(['VAR_HANDLE', 'READ_VARIABLE', 'ASSIGN_VARIABLE', 'HASHTABLE']);
