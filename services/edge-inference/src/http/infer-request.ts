/*
 * The body of an inference request: a JSON object, and behind it the bytes of the inputs that are sent as binary data, in the
 * order of the inputs. Binary inputs become views of the body. A stranger's text: every part is checked before it is believed.
 * Source: Open Inference Protocol, REST; Triton's binary tensor data extension.
 */
import { AtollError } from '@atoll/base/error';
import type { TensorSpec } from '@atoll/runtime/model';
import { tensorBytes } from '@atoll/runtime/model';
import type { Scheduling } from '../admit/caller.js';
import { schedulingOf } from '../admit/caller.js';
import type { InferInput } from '../infer/tensors.js';
import { datatypeOf } from '../infer/tensors.js';
import { httpFault } from './answer.js';
import { flatElements } from './json-elements.js';
import { readJsonObject } from './json-object.js';

/** An output that is wanted, and how. */
export interface WantedOutput {
  readonly name: string;
  /** Of the classification that is wanted; 0 = the tensor itself. */
  readonly classes: number;
  readonly binary: boolean;
}

/** A request, as far as it can be understood without the model. */
export interface InferRequest {
  /** Given back as it came. */
  readonly id: string | undefined;
  readonly inputs: readonly InferInput[];
  /** Empty = all. */
  readonly outputs: readonly WantedOutput[];
  /** How outputs go that are not named. */
  readonly binaryByDefault: boolean;
  readonly scheduling: Scheduling;
}

/** JSON above this is refused before it is parsed, whatever the model; tensors of that size belong into binary data. */
const maxJsonBytes = 8 * 1024 * 1024;
/** Room in JSON for one element, indented to the depth of its list. */
const elementJsonBytes = 128;
/** Room in JSON for names, parameters and the outputs that are wanted. */
const otherJsonBytes = 64 * 1024;
const maxTensors = 256;
const maxRank = 32;

/**
 * What a request for a model of these inputs can sensibly have: of JSON, and in all. Parsing holds up everybody, so nobody may
 * send more of it than the model has use for.
 */
export function mostBytes(specs: readonly TensorSpec[]): { readonly jsonBytes: number; readonly bodyBytes: number } {
  const elements = specs.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const jsonBytes = Math.min(maxJsonBytes, otherJsonBytes + elementJsonBytes * elements);
  return { jsonBytes, bodyBytes: jsonBytes + specs.reduce((sum, spec) => sum + tensorBytes(spec), 0) };
}

/** The value of Inference-Header-Content-Length: how long the JSON is; undefined when there is none, and all is JSON. */
export function headerLengthOf(header: string | readonly string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^\d{1,10}$/.test(header)) return Number(header);
  throw refuse(`Inference-Header-Content-Length ${JSON.stringify(String(header).slice(0, 40))} is not a whole number`);
}

/** Triton's raw binary request (a header length of 0): the body is the only input, and outputs come back as binary data. */
export function rawInferRequest(body: Uint8Array, specs: readonly TensorSpec[]): InferRequest {
  const [spec] = specs;
  if (spec === undefined || specs.length !== 1) {
    throw refuse(`a body without JSON is for models of one input, this one has ${specs.length}`);
  }
  const input = { name: spec.name, datatype: datatypeOf(spec.dtype), shape: spec.shape, bytes: body };
  return {
    id: undefined,
    inputs: [input],
    outputs: [],
    binaryByDefault: true,
    scheduling: schedulingOf(undefined, undefined),
  };
}

/**
 * Reads a body whose first `headerLength` bytes are JSON (undefined: all of it), `mostJsonBytes` of it at most. INVALID_ARGUMENT
 * names the part that is wrong.
 */
export function readInferRequest(body: Buffer, headerLength: number | undefined, mostJsonBytes: number): InferRequest {
  const jsonBytes = headerLength ?? body.byteLength;
  if (jsonBytes > body.byteLength) {
    throw refuse(`Inference-Header-Content-Length is ${jsonBytes} and the body has ${body.byteLength} bytes`);
  }
  if (jsonBytes > mostJsonBytes) {
    throw httpFault(
      413,
      `cannot infer: its JSON has ${jsonBytes} bytes, ${mostJsonBytes} are the limit for this model`,
    );
  }
  const root = readJsonObject(body, jsonBytes);
  const parameters = objectOf(root['parameters'] ?? {}, 'parameters');
  const { id } = root;
  if (id !== undefined && typeof id !== 'string') throw refuse('id is not a text');
  const binaryByDefault = flagOf(parameters['binary_data_output'], 'parameters.binary_data_output') ?? false;

  let at = jsonBytes;
  const inputs = listOf(root['inputs'], 'inputs').map((value, index): InferInput => {
    const [input, parameters] = tensorOf(value, `inputs[${index}]`);
    const { name, datatype, shape, data } = input;
    if (typeof name !== 'string') throw refuse(`inputs[${index}] has no name`);
    if (typeof datatype !== 'string') throw refuse(`input ${shown(name)} has no datatype`);
    const tensor = { name, datatype, shape: shapeOf(shape, name) };
    const size = parameters['binary_data_size'];
    if (size === undefined) {
      if (data === undefined) throw refuse(`input ${shown(name)} has neither data nor binary_data_size`);
      return { ...tensor, elements: flatElements(data, tensor.shape, shown(name)) };
    }
    if (data !== undefined) throw refuse(`input ${shown(name)} has data and binary_data_size`);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw refuse(`binary_data_size of input ${shown(name)} is not a whole number from 0`);
    }
    const left = body.byteLength - at;
    if (size > left) {
      const hint = headerLength === undefined ? ': there is no Inference-Header-Content-Length' : '';
      throw refuse(`input ${shown(name)} has ${size} bytes of binary data and ${left} are left in the body${hint}`);
    }
    at += size;
    return { ...tensor, bytes: body.subarray(at - size, at) };
  });
  if (at !== body.byteLength) throw refuse(`${body.byteLength - at} bytes of the body belong to no input`);

  const outputs = listOf(root['outputs'] ?? [], 'outputs').map((value, index): WantedOutput => {
    const [{ name }, own] = tensorOf(value, `outputs[${index}]`);
    if (typeof name !== 'string') throw refuse(`outputs[${index}] has no name`);
    const classes = own['classification'] ?? 0;
    if (typeof classes !== 'number' || !Number.isSafeInteger(classes) || classes < 0) {
      throw refuse(`classification of output ${shown(name)} is not a whole number from 0`);
    }
    const binary = flagOf(own['binary_data'], `binary_data of output ${shown(name)}`) ?? binaryByDefault;
    return { name, classes, binary };
  });
  const scheduling = schedulingOf(parameters['priority'], parameters['timeout']);
  return { id, inputs, outputs, binaryByDefault, scheduling };
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw refuse(`${what} is not a JSON object`);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${what} is not a JSON array`);
  if (value.length > maxTensors) throw refuse(`${what} has ${value.length} entries, ${maxTensors} are the limit`);
  return value as readonly unknown[];
}

function tensorOf(value: unknown, what: string): readonly [tensor: JsonObject, parameters: JsonObject] {
  const tensor = objectOf(value, what);
  const parameters = objectOf(tensor['parameters'] ?? {}, `parameters of ${what}`);
  if (parameters['shared_memory_region'] !== undefined) throw unimplemented(`${what} is in shared memory`);
  return [tensor, parameters];
}

function shapeOf(value: unknown, name: string): readonly number[] {
  const fits = Array.isArray(value) && value.length <= maxRank && value.every((size) => isSize(size));
  if (fits) return value as readonly number[];
  throw refuse(`the shape of input ${shown(name)} is not a list of at most ${maxRank} whole numbers from 0`);
}

function isSize(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function flagOf(value: unknown, what: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw refuse(`${what} is not true or false`);
}

/** A stranger's word, in a message. */
function shown(word: string): string {
  return word === '' ? '""' : word.slice(0, 100);
}

function refuse(reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot infer: ${reason}`);
}

function unimplemented(reason: string): AtollError {
  return new AtollError('UNIMPLEMENTED', `cannot infer: ${reason}, which this node does not do`);
}
