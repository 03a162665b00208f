import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { isEdgeTpuModel, openEdgeTpu } from './edgetpu.js';
import { openTfLite } from './tflite.js';
import { tinyClassifier } from './tiny-classifier-for-tests.js';

const { tfLite } = cachePaths(process.env);
const size = 8;

/**
 * A plug-in of the kind that libedgetpu is, without a device: it writes what it is asked to "journal", refuses when its
 * "device" is "none", and otherwise makes a delegate that takes no operator, so that TFLite runs the model itself.
 */
const plugIn = `
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct Delegate { void *data; int (*prepare)(void *, struct Delegate *); void *copy_from, *copy_to, *free_handle; int64_t flags; };
static char journal[512];
static void note(const char *text) { FILE *file = fopen(journal, "a"); fputs(text, file); fclose(file); }
static int prepare(void *context, struct Delegate *self) { (void)context; (void)self; note("prepare\\n"); return 0; }
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  const char *device = "";
  for (size_t i = 0; i < count; i++) {
    if (strcmp(keys[i], "journal") == 0) strncpy(journal, values[i], sizeof journal - 1);
    if (strcmp(keys[i], "device") == 0) device = values[i];
  }
  for (size_t i = 0; i < count; i++) { note(keys[i]); note("="); note(values[i]); note("\\n"); }
  if (strcmp(device, "none") == 0) { report("device none is not there"); return NULL; }
  struct Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = prepare;
  return delegate;
}
void tflite_plugin_destroy_delegate(void *delegate) { note("destroy\\n"); free(delegate); }
`;

function missing(): string | false {
  if (!existsSync(tfLite)) return 'TFLite is not in the cache; npm start or npm test fetches it';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no C compiler (cc) to make a delegate plug-in with';
  }
}

describe('openEdgeTpu() with a delegate plug-in', { skip: missing() }, () => {
  let folder = '';
  let library = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-delegate-'));
    library = join(folder, 'plug-in.so');
    await writeFile(join(folder, 'plug-in.c'), plugIn);
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(folder, 'plug-in.c')]);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const bytes = tinyClassifier({ seed: 1, size, classes: 4, io: 'uint8' });
  const picture = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) % 256);

  test('hands over every option whole, runs, and destroys the delegate after the model', async () => {
    const journal = join(folder, 'journal');
    const options = { journal, device: 'usb:0', performance: 'Max, and a value longer than a pointer' };
    const model = openEdgeTpu(bytes, tfLite, library, options);
    const reference = openTfLite(bytes, tfLite, 1);
    assert.equal(model.backend, 'edgetpu');
    assert.deepEqual(await model.run([picture]), await reference.run([picture]));
    await model.close();
    await reference.close();
    const given = Object.entries(options).map(([key, value]) => `${key}=${value}\n`);
    assert.equal(await readFile(journal, 'utf8'), `${given.join('')}prepare\ndestroy\n`);
  });

  test('tells what the plug-in says when there is no device', () => {
    const options = { journal: join(folder, 'refused'), device: 'none' };
    assert.throws(() => openEdgeTpu(bytes, tfLite, library, options), {
      code: 'UNAVAILABLE',
      message: 'cannot use an Edge TPU: device none is not there',
    });
  });

  test('refuses a library that is no delegate plug-in', () => {
    assert.throws(() => openEdgeTpu(bytes, tfLite, tfLite), {
      code: 'UNAVAILABLE',
      message: /^cannot load .*tflite_plugin/,
    });
  });
});

describe('isEdgeTpuModel()', () => {
  test('is false for a model without a compiled program', () => {
    assert.equal(isEdgeTpuModel(tinyClassifier({ seed: 1, size, classes: 4, io: 'int8' })), false);
    assert.equal(isEdgeTpuModel(Buffer.from('...edgetpu-custom-op...')), true);
  });
});
