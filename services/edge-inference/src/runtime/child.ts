/*
 * The process that holds models: one a slot, and one a probe. It is disposable: a library that aborts, a damaged model or a
 * hung device ends this process and the run in it, nothing else. It speaks frames on descriptor 3 and ends with its parent.
 * Runs happen on the main thread, one after the other, between blocking reads and writes. While a model is being loaded, which
 * happens off that thread, the wait for the next run is off it too, so that both go on.
 */
import { readFile } from 'node:fs/promises';
import { sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, reasonOf, toAtollError } from '@atoll/base/error';
import { tensorBytes } from '@atoll/runtime/model';
import type { EdgeTpu } from '@atoll/runtime/edgetpu';
import type { LoadedModel } from '@atoll/runtime/model';
import { endWithParent, trimMemory } from '@atoll/runtime/native';
import { openModel } from '@atoll/runtime/open';
import { controlFrame, frameKind, headBytes, parseControl, timesBytes, writeHead } from './frames.js';
import type { FrameHead } from './frames.js';
import { machineMs } from './messages.js';
import type { Candidate, FromChild, LoadedInfo, RuntimeSettings, ToChild } from './messages.js';
import { wireOn } from './wire.js';

const parentDescriptor = 3;

/** Answers the front until it is gone. */
async function serve(): Promise<void> {
  const wire = wireOn(parentDescriptor);
  const models = new Map<number, { readonly model: LoadedModel; readonly inputBytes: number }>();
  const ranHead = Buffer.alloc(headBytes + timesBytes);
  let settings: RuntimeSettings | undefined;
  /** Held from the first model on it to the end of this process, so that no swap opens it anew. */
  let edgeTpu: Promise<EdgeTpu> | undefined;
  let busyBeside = 0;

  const send = (message: FromChild): void => wire.send([controlFrame(message)]);
  const fail = (id: number, error: unknown): void =>
    send({ kind: 'failed', id, code: toAtollError(error).code, message: reasonOf(error) });

  /** Ends false when the front is gone. */
  const run = ({ id, model: number, bodyBytes }: FrameHead): boolean => {
    const loaded = models.get(number);
    if (loaded === undefined || loaded.inputBytes !== bodyBytes) {
      if (!wire.skip(bodyBytes)) return false;
      const why = loaded === undefined ? 'it is not loaded' : `it takes ${loaded.inputBytes} bytes, not ${bodyBytes}`;
      fail(id, new AtollError(loaded === undefined ? 'NOT_FOUND' : 'INVALID_ARGUMENT', `cannot run the model: ${why}`));
      return true;
    }
    const { memory } = loaded.model;
    for (const input of memory.inputs) if (!wire.fill(input)) return false;
    try {
      const startedMs = machineMs();
      loaded.model.runInPlace();
      const endedMs = machineMs();
      const outputBytes = memory.outputs.reduce((sum, output) => sum + output.byteLength, 0);
      writeHead(ranHead, { bodyBytes: timesBytes + outputBytes, kind: frameKind.ran, id, model: number });
      ranHead.writeDoubleLE(startedMs, headBytes);
      ranHead.writeDoubleLE(endedMs, headBytes + 8);
      wire.send([ranHead, ...memory.outputs]);
    } catch (error) {
      fail(id, error);
    }
    return true;
  };

  const giveBack = async (): Promise<void> => {
    const held = edgeTpu;
    edgeTpu = undefined;
    // One that could not be held was told of by whoever wanted it.
    (await held?.catch(() => undefined))?.close();
  };
  const load = async (number: number, candidates: readonly Candidate[]): Promise<LoadedInfo> => {
    if (settings === undefined)
      throw new AtollError('FAILED_PRECONDITION', 'cannot load a model: the child is not set up');
    const given = settings;
    const before = process.memoryUsage.rss();
    const holdDevice = (): Promise<EdgeTpu> => (edgeTpu ??= hold(given));
    const model = await openFirst(candidates, given, holdDevice).catch(async (error: unknown) => {
      // A device that was away stays lost for whoever has it open: with nothing left on it, it is opened anew next time.
      if (models.size === 0) await giveBack();
      throw error;
    });
    const { backend, inputs, outputs } = model;
    const memoryBytes = Math.max(0, process.memoryUsage.rss() - before);
    const device = backend === 'edgetpu' ? (given.device ?? backend) : 'cpu';
    await models.get(number)?.model.close();
    models.set(number, { model, inputBytes: inputs.reduce((sum, spec) => sum + tensorBytes(spec), 0) });
    return { backend, device, inputs, outputs, memoryBytes };
  };

  const answer = async (message: ToChild): Promise<FromChild> => {
    const { id } = message;
    switch (message.kind) {
      case 'start':
        settings = message;
        return { kind: 'done', id };
      case 'load':
        return { kind: 'loaded', id, ...(await load(message.model, message.candidates)) };
      case 'unload':
        await models.get(message.model)?.model.close();
        models.delete(message.model);
        trimMemory();
        return { kind: 'done', id };
      case 'ping':
        return { kind: 'done', id };
    }
  };
  const answerBeside = async (message: ToChild): Promise<void> => {
    busyBeside++;
    try {
      send(await answer(message));
    } catch (error) {
      fail(message.id, error);
    } finally {
      busyBeside--;
    }
  };

  for (;;) {
    const head = busyBeside > 0 ? await wire.nextHeadBeside() : wire.nextHead();
    if (head === undefined) return;
    if (head.kind === frameKind.run) {
      if (!run(head)) return;
      continue;
    }
    const body = Buffer.alloc(head.bodyBytes);
    if (!wire.fill(body)) return;
    const message = parseControl(body) as ToChild;
    const answered = answerBeside(message);
    if (message.kind !== 'load') await answered;
  }
}

/** An accelerator that is not there, or that cannot take the file, leaves the next candidate; the last reason is told. */
async function openFirst(
  candidates: readonly Candidate[],
  { libraries, threads, device }: RuntimeSettings,
  holdDevice: () => Promise<EdgeTpu>,
): Promise<LoadedModel> {
  let last: unknown = new AtollError(
    'FAILED_PRECONDITION',
    'cannot open the model: the package has no file for this node',
  );
  for (const candidate of candidates) {
    try {
      const bytes = await readFile(candidate.path);
      if (sha256(bytes) !== candidate.sha256) {
        throw new AtollError(
          'DATA_LOSS',
          `cannot open ${candidate.path}: its bytes do not have digest ${candidate.sha256}`,
        );
      }
      const { backend } = candidate;
      const onDevice = device !== undefined && backend === 'edgetpu';
      const held = onDevice ? { edgeTpu: await holdDevice() } : {};
      return await ranOnce(await openModel(bytes, { backend, libraries, threads, ...held }));
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** The same model after a first run, which is slower than those to come and tells whether it runs at all. */
async function ranOnce(model: LoadedModel): Promise<LoadedModel> {
  try {
    await model.run(model.inputs.map((spec) => new Uint8Array(tensorBytes(spec))));
    return model;
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** What only a device needs is loaded where there is one. */
async function hold({ libraries, device, edgeTpuOptions }: RuntimeSettings): Promise<EdgeTpu> {
  const { holdEdgeTpu } = await import('@atoll/runtime/edgetpu');
  return holdEdgeTpu({
    tfLite: libraries.tfLite,
    ...(libraries.edgeTpu === undefined ? {} : { library: libraries.edgeTpu }),
    ...(device === undefined ? {} : { device }),
    ...(edgeTpuOptions === undefined ? {} : { options: edgeTpuOptions }),
  });
}

// The terminal sends SIGINT to the whole group; the front decides what it means.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
endWithParent();
try {
  await serve();
} catch (error) {
  const frontIsGone = ['EPIPE', 'ECONNRESET'].includes(errnoOf(error) ?? '');
  if (!frontIsGone) process.stderr.write(`cannot go on: ${reasonOf(error)}\n`);
} finally {
  // A run that hangs in a library keeps process.exit() waiting for its thread, so the end is a signal.
  process.kill(process.pid, 'SIGKILL');
}
