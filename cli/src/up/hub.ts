/**
 * Runs nats-server for `atoll up`, as services are run: says when it is ready and where, ends with its supervisor. The
 * server itself does neither. Arguments: its program, its configuration, the folder where it writes its ports file.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { run, type Running } from '@atoll/base/lifecycle';

const startTimeoutMs = 20_000;
const stopTimeoutMs = 10_000;

const [program = '', config = '', portsDir = ''] = process.argv.slice(2);

async function start(): Promise<Running> {
  for (const name of await portsFiles()) await rm(join(portsDir, name), { force: true });
  const server = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  let stopping = false;
  let over = false;
  const exited = new Promise<void>((resolve) => {
    const done = (why: string): void => {
      over = true;
      resolve();
      if (stopping) return;
      process.stderr.write(`nats-server ended: ${why}\n`);
      process.exit(1);
    };
    server.once('error', (error) => done(error.message));
    server.once('exit', (code, signal) => done(signal ?? `exit code ${code}`));
  });
  process.on('exit', () => over || server.kill('SIGKILL'));
  const address = await eventually(async () => {
    const [name] = await portsFiles();
    const found = /nats:\/\/[^"]+/.exec(name === undefined ? '' : await readFile(join(portsDir, name), 'utf8'))?.[0];
    if (found === undefined) throw new AtollError('UNAVAILABLE', 'cannot start nats-server: it does not tell its port');
    return found;
  }, startTimeoutMs);
  return {
    address,
    stop: async () => {
      stopping = true;
      server.kill('SIGTERM');
      const timer = setTimeout(() => server.kill('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function portsFiles(): Promise<readonly string[]> {
  return (await readdir(portsDir)).filter((name) => name.endsWith('.ports'));
}

await run(start, true);
