import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLogger } from '@atoll/base/log';
import { parseTokens, readToken, watchTokens } from './token.js';

const list = '# cameras\ncamera-1 aaaaaaaaaaaaaaaa\n\nbbbbbbbb+/==\r\n';

const headers: readonly (readonly [header: string, name: string | undefined])[] = [
  ['Bearer aaaaaaaaaaaaaaaa', 'camera-1'],
  ['bearer  aaaaaaaaaaaaaaaa', 'camera-1'],
  ['Bearer bbbbbbbb+/==', 'token-e86aaf2c'],
  ['Bearer aaaaaaaaaaaaaaab', undefined],
  ['Bearer aaaaaaaaaaaaaaaaa', undefined],
  ['Bearer camera-1 aaaaaaaaaaaaaaaa', undefined],
  ['Basic aaaaaaaaaaaaaaaa', undefined],
  ['aaaaaaaaaaaaaaaa', undefined],
  ['Bearer ', undefined],
  ['', undefined],
];
for (const [header, name] of headers) {
  test(`nameOf(${JSON.stringify(header)}) is ${name}`, () => assert.equal(parseTokens('f', list).nameOf(header), name));
}

test('parseTokens refuses an empty list and a line that is no token, naming the line and never the token', () => {
  assert.throws(() => parseTokens('f', '# nothing\n'), { message: 'cannot use f: it holds no token' });
  assert.throws(() => parseTokens('f', 'good-token\na b secret\n'), {
    message: 'cannot use f: line 2 is neither TOKEN nor NAME TOKEN',
  });
});

test('watchTokens lets a new token in when the file changes, keeps the list when it turns bad, and logs no token', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-token-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'tokens');
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'debug', write: (line) => lines.push(line) });
  await writeFile(path, 'a first-secret\n');
  const watched = await watchTokens(path, log);
  after(() => watched.stop());
  assert.equal(await readToken(path), 'first-secret');
  await writeFile(path, 'b second-secret\n');
  await watched.look();
  assert.equal(watched.value.nameOf('Bearer second-secret'), 'b');
  assert.equal(watched.value.nameOf('Bearer first-secret'), undefined);
  await writeFile(path, 'not a token-list\n');
  await watched.look();
  assert.equal(watched.value.nameOf('Bearer second-secret'), 'b');
  assert.equal(lines.length, 2);
  assert.ok(!/secret|token-list/.test(lines.join('')));
});
