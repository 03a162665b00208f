import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readText } from '../support/repository.js';

const path = 'deploy/Dockerfile';

/** The instructions of each stage, continuation lines joined. */
function stagesOf(text: string): readonly (readonly string[])[] {
  const lines = text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const stages: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('FROM ')) stages.push([]);
    stages.at(-1)?.push(line);
  }
  return stages;
}

describe(path, () => {
  test('takes its final files from the assembled folder and from nowhere else', async () => {
    const [build = [], final = []] = stagesOf(await readText(path));
    assert.ok(build.includes('RUN node deploy/dist/image/main.js ${SERVICE} /out'));
    const copies = final.filter((line) => /^(COPY|ADD) /.test(line));
    assert.deepEqual(copies, ['COPY --from=build /out /app']);
  });

  test('ends as a user that is not root, with a health check and an entry that gets signals', async () => {
    const final = stagesOf(await readText(path)).at(-1) ?? [];
    assert.ok(final.includes('USER 1000:1000'));
    assert.ok(final.some((line) => /^HEALTHCHECK .* CMD node healthcheck\.js 127\.0\.0\.1:/.test(line)));
    // In its JSON form: a shell in between would keep SIGTERM for itself.
    assert.ok(final.some((line) => /^ENTRYPOINT \["node",.*"main\.js"\]$/.test(line)));
    const after = final.slice(final.indexOf('USER 1000:1000'));
    assert.ok(!after.some((line) => /^(RUN|COPY|ADD) /.test(line)));
  });

  test('names its base by name and tag, and carries no secret', async () => {
    const text = await readText(path);
    assert.match(text, /^ARG NODE=\d+-[a-z]+$/m);
    assert.doesNotMatch(text, /:latest\b/);
    assert.doesNotMatch(text, /^(ARG|ENV) .*(TOKEN|PASSWORD|SECRET|PRIVATE)/im);
    const ignored = (await readText(`${path}.dockerignore`)).split('\n');
    for (const name of ['deploy/keys', '**/*.pem', '**/*.seed', '.git', '**/node_modules']) {
      assert.ok(ignored.includes(name), name);
    }
  });
});
