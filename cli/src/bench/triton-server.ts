import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Env } from '@atoll/base/env';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { type BenchServer, freePort, type RunningServer, spawnServer } from './bench-server.js';
import { benchScript } from './nets.js';
import { pytritonWheel, type PytritonWheel } from './pytriton-wheel.js';
import type { ServedModel } from './served-models.js';

const instances = 2;

/** Triton for the CPU with its Python backend; `python` is that of the wheel's environment. */
export function tritonServer(python: string, env: Env): BenchServer {
  return {
    name: 'Triton 2.51',
    ours: false,
    setUp: `Python backend, ${instances} instances, 1 thread each`,
    async start(model, signal) {
      const folder = await mkdtemp(join(tmpdir(), 'atoll-triton-'));
      const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
      try {
        const wheel = await pytritonWheel(python);
        await layOut(folder, model, wheel);
        const running = await startIn(folder, model, wheel, python, env, signal);
        return {
          ...running,
          stop: async () => {
            await running.stop();
            await remove();
          },
        };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}

/** A model repository, and the backend with the stub in the one place where it looks for it. */
async function layOut(folder: string, model: ServedModel, wheel: PytritonWheel): Promise<void> {
  const repository = join(folder, 'repository', model.name);
  const backend = join(folder, 'backends', 'python');
  await mkdir(join(repository, '1'), { recursive: true });
  await mkdir(backend, { recursive: true });
  await copyFile(model.path, join(repository, '1', 'model.tflite'));
  await copyFile(benchScript('serve-triton.py'), join(repository, '1', 'model.py'));
  await writeFile(join(repository, 'config.pbtxt'), await configText(model));
  const parts = ['libtriton_python.so', 'triton_python_backend_utils.py'].map((name) =>
    join(wheel.backends, 'python', name),
  );
  for (const part of [...parts, wheel.stub]) await symlink(part, join(backend, basename(part)));
}

async function configText({ name, path }: ServedModel): Promise<string> {
  const { inputs, outputs, tensors } = mainSubgraph(readModel(await readFile(path), path));
  const text = (indices: readonly number[]): string =>
    indices
      .map(
        (index) =>
          `{ name: "${tensors[index]?.name}" data_type: TYPE_UINT8 dims: [${tensors[index]?.shape.join(', ')}] }`,
      )
      .join(', ');
  return [
    `name: "${name}"`,
    'backend: "python"',
    'max_batch_size: 0',
    `input [${text(inputs)}]`,
    `output [${text(outputs)}]`,
    `instance_group [{ kind: KIND_CPU count: ${instances} }]`,
    '',
  ].join('\n');
}

async function startIn(
  folder: string,
  model: ServedModel,
  wheel: PytritonWheel,
  python: string,
  env: Env,
  signal: AbortSignal,
): Promise<RunningServer> {
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  const args = [
    `--model-repository=${join(folder, 'repository')}`,
    `--backend-directory=${join(folder, 'backends')}`,
    '--grpc-address=127.0.0.1',
    `--grpc-port=${grpcPort}`,
    '--http-address=127.0.0.1',
    `--http-port=${httpPort}`,
    '--allow-metrics=false',
  ];
  const own: Env = {
    ...env,
    // The stub embeds Python: these lead it to the environment's packages and the server to its libraries.
    PATH: [dirname(python), env['PATH'] ?? ''].join(delimiter),
    PYTHONPATH: wheel.sitePackages,
    LD_LIBRARY_PATH: [wheel.libraries, env['LD_LIBRARY_PATH'] ?? ''].filter((part) => part !== '').join(delimiter),
  };
  return await spawnServer(
    { command: wheel.server, args, env: own, address: `127.0.0.1:${grpcPort}`, http: `127.0.0.1:${httpPort}` },
    model.name,
    signal,
  );
}
