import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';

const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** A program whose main is run(start, true). */
function program(start: string): ChildProcess {
  const lifecycle = new URL('./lifecycle.js', import.meta.url).href;
  const text = `import { run } from ${JSON.stringify(lifecycle)}; await run(${start}, true);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: 'pipe' });
  started.push(child);
  return child;
}

const limits = { timeout: 30_000 };
const service = `async () => ({ address: 'here', stop: async () => process.stdout.write('stopped') })`;

for (const how of ['its standard input ends', 'SIGTERM comes'] as const) {
  test(`run says that it is ready and stops the service when ${how}`, limits, async () => {
    const child = program(service);
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (!said.endsWith('\n')) return;
      if (how === 'SIGTERM comes') child.kill('SIGTERM');
      else child.stdin?.end();
    });
    assert.deepEqual(await once(child, 'close'), [0, null]);
    assert.equal(said, '{"ready":true,"address":"here"}\nstopped');
  });
}

test('run ends a service that still waits for others when its supervisor goes away', limits, async () => {
  const child = program(
    `() => new Promise(() => { setInterval(() => undefined, 1_000); process.stdout.write('waiting'); })`,
  );
  await once(child.stdout ?? child, 'data');
  child.stdin?.end();
  assert.deepEqual(await once(child, 'close'), [1, null]);
});

test(
  'run: a service that cannot start is one line and exit code 1, with its supervisor still there',
  limits,
  async () => {
    const child = program(`async () => { throw new Error('cannot start: no'); }`);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    assert.deepEqual(await once(child, 'close'), [1, null]);
    assert.equal(said, 'cannot start: no\n');
  },
);
