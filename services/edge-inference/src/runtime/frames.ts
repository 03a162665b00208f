/*
 * Frames between front and child: a head of four uint32 in little-endian order {bytes of the body, kind, id, model}, then the
 * body. Control frames hold a message as JSON. Runs are the path of every request and hold nothing but tensors: the inputs of a
 * `run`, and for a `ran` two float64, when the run began and ended, before the outputs. Both sides know the sizes from the load.
 * A length beyond the limit ends the conversation before anything of it is kept.
 */
import { AtollError } from '@atoll/base/error';

/** What a frame is; control frames carry ToChild or FromChild. */
export const frameKind = { control: 0, run: 1, ran: 2 } as const;

/** The fixed part of a frame; `id` and `model` are 0 in control frames. */
export interface FrameHead {
  readonly bodyBytes: number;
  readonly kind: number;
  readonly id: number;
  readonly model: number;
}

/** A whole frame. */
export interface Frame extends FrameHead {
  readonly body: Buffer;
}

/** Largest body: the tensors of one run or its results. */
export const maxFrameBytes = 64 * 1024 * 1024;

/** Bytes of a head. */
export const headBytes = 16;

/** Bytes before the outputs in the body of a `ran`. */
export const timesBytes = 16;

/** A control frame in one piece. */
export function controlFrame(message: object): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const frame = Buffer.allocUnsafe(headBytes + json.length);
  writeHead(frame, { bodyBytes: json.length, kind: frameKind.control, id: 0, model: 0 });
  json.copy(frame, headBytes);
  return frame;
}

/** The message of a control frame's body; DATA_LOSS when it is not JSON. */
export function parseControl(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new AtollError('DATA_LOSS', 'cannot read a frame: its body is not JSON', { cause: error });
  }
}

/** Writes a head to the start of `target`; DATA_LOSS for a body beyond the limit. */
export function writeHead(target: Buffer, { bodyBytes, kind, id, model }: FrameHead): void {
  checkLength(bodyBytes);
  target.writeUInt32LE(bodyBytes, 0);
  target.writeUInt32LE(kind, 4);
  target.writeUInt32LE(id, 8);
  target.writeUInt32LE(model, 12);
}

/** Reads the head at the start of `source`; DATA_LOSS for a length beyond the limit. */
export function readHead(source: Buffer): FrameHead {
  const bodyBytes = source.readUInt32LE(0);
  checkLength(bodyBytes);
  return { bodyBytes, kind: source.readUInt32LE(4), id: source.readUInt32LE(8), model: source.readUInt32LE(12) };
}

/** Cuts a stream of chunks into frames; bodies may be windows on the chunks. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** Takes a chunk and gives the frames that it completed. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#bytes < headBytes) return undefined;
    const { bodyBytes, kind, id, model } = readHead(this.#firstOf(headBytes));
    const wholeBytes = headBytes + bodyBytes;
    if (this.#bytes < wholeBytes) return undefined;
    const first = this.#firstOf(wholeBytes);
    if (first.length > wholeBytes) this.#chunks[0] = first.subarray(wholeBytes);
    else this.#chunks.shift();
    this.#bytes -= wholeBytes;
    return { bodyBytes, kind, id, model, body: first.subarray(headBytes, wholeBytes) };
  }

  /** The first chunk, which has n bytes or more, because those that do not are put together. */
  #firstOf(n: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= n) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

/** Cuts bytes into tensors of these sizes; DATA_LOSS when they do not add up. The tensors are copies. */
export function cutTensors(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== bytes.byteLength) {
    throw new AtollError(
      'DATA_LOSS',
      `cannot read a frame: it holds ${bytes.byteLength} bytes of tensors, not ${total}`,
    );
  }
  let offset = 0;
  return sizes.map((size) => new Uint8Array(bytes.subarray(offset, (offset += size))));
}

function checkLength(bytes: number): void {
  if (bytes > maxFrameBytes)
    throw new AtollError('DATA_LOSS', `cannot carry a frame of ${bytes} bytes: the limit is ${maxFrameBytes}`);
}
