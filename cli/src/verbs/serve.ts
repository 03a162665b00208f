import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { AtollError, reasonOf } from '@atoll/base/error';
import { parseDevices, standaloneConfig, startEdgeInference, traceFromEnv } from '@atoll/edge-inference/service';
import type { BackendChoice } from '@atoll/runtime/open';
import type { Context } from '../context.js';
import type { Machine } from '../machine.js';
import { action, addVerb } from '../verb.js';

interface ModelOption {
  readonly name: string;
  readonly path: string;
}

interface ServeOptions {
  readonly model?: readonly ModelOption[];
  readonly repository?: string;
  readonly listen: string;
  readonly backend: BackendChoice;
  readonly devices: ReturnType<typeof parseDevices>;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tokenFile?: string;
  readonly adminTokenFile?: string;
}

/** `atoll serve`. */
export function addServe(program: Command, machine: Machine): void {
  addVerb(
    program,
    'serve',
    "run one inference node by itself: Open Inference Protocol v2 and Atoll's own service; Ctrl-C drains it",
    'atoll serve --model photos=model.tflite --listen 127.0.0.1:7411',
  )
    .addOption(
      new Option('--model <name=file...>', 'a model to serve; may be given more than once').argParser(modelOption),
    )
    .option('--repository <dir>', 'a folder of models to serve, MODEL/VERSION/model.tflite, the newest version of each')
    .option('--listen <address>', 'host:port, port 0 = any free one', '127.0.0.1:0')
    .addOption(
      new Option('--backend <name>', 'what runs the models')
        .choices(['auto', 'native', 'wasm', 'edgetpu'])
        .default('auto'),
    )
    .addOption(
      new Option('--devices <list>', 'Edge TPUs to use, such as usb:0,pci:0; none, or auto = those that are plugged in')
        .argParser(devicesOption)
        .default('auto'),
    )
    .option('--tls-cert <file>', 'PEM of the certificate of the node: gRPC and HTTP speak TLS then')
    .option('--tls-key <file>', 'PEM of its key')
    .option('--tls-client-ca <file>', 'PEM of the authority whose certificates clients must have')
    .option('--token-file <file>', 'tokens of those who may ask, one a line: TOKEN or NAME TOKEN')
    .option('--admin-token-file <file>', 'tokens of those who may change what serves; default: whoever may ask')
    .action(action<ServeOptions>(machine, serve));
}

function modelOption(text: string, before: readonly ModelOption[] | undefined): readonly ModelOption[] {
  const [, name, path] = /^([a-z0-9-]{1,63})=(.+)$/.exec(text) ?? [];
  if (name === undefined || path === undefined)
    throw new InvalidArgumentError('It must be NAME=FILE.tflite, the name of a-z, 0-9 and -.');
  if (before?.some((model) => model.name === name))
    throw new InvalidArgumentError(`There are two models named ${name}.`);
  return [...(before ?? []), { name, path }];
}

function devicesOption(text: string): ServeOptions['devices'] {
  try {
    return parseDevices(text);
  } catch (error) {
    throw new InvalidArgumentError(reasonOf(error));
  }
}

async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { signal, env } = context;
  if (context.server !== undefined)
    throw new AtollError('INVALID_ARGUMENT', 'cannot serve through --server: a node listens at --listen');
  if (options.model === undefined && options.repository === undefined)
    throw new InvalidArgumentError("required option '--model <name=file...>' or '--repository <dir>' not specified");
  const standalone = standaloneConfig(cachePaths(env));
  const running = await startEdgeInference(
    {
      ...standalone,
      listen: options.listen,
      httpListen: httpBeside(options.listen),
      libraryPath: env['LD_LIBRARY_PATH'],
      backend: options.backend,
      devices: { ...standalone.devices, names: options.devices },
      models: options.model ?? [],
      repository: options.repository,
      backendTrials: join(cachePaths(env).root, 'backend-trials'),
      trace: traceFromEnv(env),
      security: {
        certificate: options.tlsCert,
        key: options.tlsKey,
        clientCa: options.tlsClientCa,
        tokenFile: options.tokenFile,
        adminTokenFile: options.adminTokenFile,
      },
    },
    { log: context.log, clock: systemClock },
  );
  try {
    const { models } = running;
    const devices = running.devices.map(({ device, state, reason }) => ({ device, state, reason }));
    context.result(
      { address: running.address, http: running.http ?? null, models, devices },
      [
        `Serving at ${running.address}; REST, health and metrics at ${running.http ?? 'no address'}`,
        ...models.map(({ name, backend }) => `  ${name}  ${backend}`),
        ...devices.map(({ device, state, reason }) => `  ${device}  ${state}${reason === '' ? '' : `: ${reason}`}`),
      ].join('\n'),
    );
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    await running.stop();
  }
}

/** Health and metrics have their port 100 above; any free one beside port 0, none beside a Unix socket. */
function httpBeside(listen: string): string | undefined {
  const [, host, port] = /^(?!unix:)(.*):(\d+)$/.exec(listen) ?? [];
  if (host === undefined) return undefined;
  return `${host}:${port === '0' ? 0 : Number(port) + 100}`;
}
