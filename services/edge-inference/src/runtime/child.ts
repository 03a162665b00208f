/*
 * The process that holds models: one a slot, and one a probe. It is disposable: a library that aborts, a damaged model or a
 * hung device ends this process and the run in it, nothing else. It speaks frames on descriptor 3 and ends with its parent.
 */
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { sha256 } from '@atoll/base/digest';
import { AtollError, reasonOf, toAtollError } from '@atoll/base/error';
import { tensorBytes } from '@atoll/runtime/model';
import { holdEdgeTpu } from '@atoll/runtime/edgetpu';
import type { EdgeTpu, EdgeTpuChoice } from '@atoll/runtime/edgetpu';
import type { LoadedModel } from '@atoll/runtime/model';
import { endWithParent } from '@atoll/runtime/native';
import { openModel } from '@atoll/runtime/open';
import { cutPayload, encodeFrame, FrameReader } from './frames.js';
import { machineMs } from './messages.js';
import type { Candidate, FromChild, RuntimeSettings, ToChild } from './messages.js';

const parentDescriptor = 3;

function serve(socket: Socket): void {
  const models = new Map<string, { readonly model: LoadedModel; readonly device: string }>();
  const reader = new FrameReader();
  let settings: RuntimeSettings | undefined;
  /** Held from the first model on it to the end of this process, so that no swap opens it anew. */
  let edgeTpu: EdgeTpu | undefined;

  const send = (message: FromChild, tensors: readonly Uint8Array[] = []): void => {
    const parts = encodeFrame(message, tensors);
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  };
  const modelOf = (handle: string) => {
    const model = models.get(handle);
    if (model === undefined) throw new AtollError('NOT_FOUND', `cannot run ${handle}: it is not loaded`);
    return model;
  };

  const answer = async (message: ToChild, payload: Uint8Array): Promise<void> => {
    const { id } = message;
    switch (message.kind) {
      case 'start':
        settings = message;
        send({ kind: 'done', id });
        return;
      case 'load': {
        if (settings === undefined)
          throw new AtollError('FAILED_PRECONDITION', 'cannot load a model: the child is not set up');
        const before = process.memoryUsage.rss();
        const given = settings;
        const holdDevice = (): EdgeTpu => (edgeTpu ??= holdEdgeTpu(choiceOf(given)));
        const model = await openFirst(message.candidates, given, holdDevice).catch((error: unknown) => {
          // A device that was away stays lost for whoever has it open: with nothing left on it, it is opened anew next time.
          if (models.size === 0) {
            edgeTpu?.close();
            edgeTpu = undefined;
          }
          throw error;
        });
        const { backend, inputs, outputs } = model;
        const memoryBytes = Math.max(0, process.memoryUsage.rss() - before);
        const device = backend === 'edgetpu' ? (settings.device ?? backend) : 'cpu';
        await models.get(message.handle)?.model.close();
        models.set(message.handle, { model, device });
        send({ kind: 'loaded', id, backend, device, inputs, outputs, memoryBytes });
        return;
      }
      case 'run': {
        const { model, device } = modelOf(message.handle);
        const inputs = cutPayload(payload, message.sizes);
        send({ kind: 'started', id });
        const startedMs = machineMs();
        const outputs = await model.run(inputs);
        const endedMs = machineMs();
        const sizes = outputs.map((output) => output.byteLength);
        send({ kind: 'ran', id, sizes, backend: model.backend, device, startedMs, endedMs }, outputs);
        return;
      }
      case 'unload':
        await models.get(message.handle)?.model.close();
        models.delete(message.handle);
        send({ kind: 'done', id });
        return;
      case 'ping':
        send({ kind: 'done', id });
        return;
    }
  };

  socket.on('data', (chunk: Buffer) => {
    for (const { head, payload } of reader.push(chunk)) {
      const message = head as ToChild;
      answer(message, payload).catch((error: unknown) => {
        const { code } = toAtollError(error);
        send({ kind: 'failed', id: message.id, code, message: reasonOf(error) });
      });
    }
  });
  // A run that hangs in a library keeps process.exit() waiting for its thread, so the end is a signal.
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  socket.on('end', end).on('error', end).on('close', end);
}

/** An accelerator that is not there, or that cannot take the file, leaves the next candidate; the last reason is told. */
async function openFirst(
  candidates: readonly Candidate[],
  { libraries, threads, device }: RuntimeSettings,
  holdDevice: () => EdgeTpu,
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
      const held = onDevice ? { edgeTpu: holdDevice() } : {};
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

function choiceOf({ libraries, device, edgeTpuOptions }: RuntimeSettings): EdgeTpuChoice {
  return {
    tfLite: libraries.tfLite,
    ...(libraries.edgeTpu === undefined ? {} : { library: libraries.edgeTpu }),
    ...(device === undefined ? {} : { device }),
    ...(edgeTpuOptions === undefined ? {} : { options: edgeTpuOptions }),
  };
}

// The terminal sends SIGINT to the whole group; the front decides what it means.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
endWithParent();
serve(new Socket({ fd: parentDescriptor, readable: true, writable: true }));
