// A program in the place of the compiler: a shell script that answers -v, keeps its arguments, and does what a test tells it to.
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The version that it gives. */
const standInVersion = '16.0.384591198';

/** A script and what it was last called with. */
export interface StandIn {
  readonly path: string;
  readonly calls: () => Promise<readonly (readonly string[])[]>;
}

/** Writes the script into `folder`; in `body`, $OUT is the folder after -o, $STEM the last input's name without ending. */
export async function standIn(folder: string, body: string, version = standInVersion): Promise<StandIn> {
  const path = join(folder, `compiler ${Math.random().toString(36).slice(2)}`);
  const script = `#!/bin/sh
if [ "$1" = -v ]; then echo 'Edge TPU Compiler version ${version}'; exit 0; fi
for one; do printf '%s\\n' "$one"; done >>'${path}.calls'
echo >>'${path}.calls'
for last; do STEM=$(basename "$last" .tflite); done
while [ "$1" != "-o" ]; do shift; done
OUT=$2
${body}
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  const calls = async (): Promise<readonly (readonly string[])[]> =>
    (await readFile(`${path}.calls`, 'utf8'))
      .split('\n\n')
      .slice(0, -1)
      .map((call) => call.split('\n'));
  return { path, calls };
}

/** Shell that prints a text word for word. */
export function say(text: string, to = ''): string {
  return `cat <<'END' ${to}\n${text.trimEnd()}\nEND`;
}

/** What version 16 prints of one compiled model. */
export function success(stem: string, subgraphs = 1): string {
  return `Edge TPU Compiler version ${standInVersion}
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 33 ms.

Input model: /some where/${stem}.tflite
Input size: 513.28KiB
Output model: /some where/${stem}_edgetpu.tflite
Output size: 782.67KiB
On-chip memory used for caching model parameters: 553.62KiB
On-chip memory remaining for caching model parameters: 6.99MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: ${subgraphs}
Total number of operations: 31
Operation log: /some where/${stem}_edgetpu.log
See the operation log file for individual operation details.
Compilation child process completed within timeout period.
Compilation succeeded! `;
}

/** What stands in a .log file. */
export const logText = `Edge TPU Compiler version ${standInVersion}
Input: model.tflite
Output: model_edgetpu.tflite

Operator                       Count      Status

DEPTHWISE_CONV_2D              13         Mapped to Edge TPU
CONV_2D                        15         Mapped to Edge TPU
`;
