import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AtollError } from '@atoll/base/error';

/** Where the parts of the wheel lie that brings Triton's server. */
export interface PytritonWheel {
  readonly sitePackages: string;
  readonly server: string;
  readonly backends: string;
  /** The program that runs a model of the Python backend, made for this very version of Python. */
  readonly stub: string;
  readonly libraries: string;
}

/** Finds them from the environment's Python. */
export async function pytritonWheel(python: string): Promise<PytritonWheel> {
  const lib = join(dirname(dirname(python)), 'lib');
  const version = (await readdir(lib)).find((name) => /^python3\.\d+$/.test(name));
  if (version === undefined) throw new AtollError('NOT_FOUND', `cannot find Triton: there is no Python in ${lib}`);
  const sitePackages = join(lib, version, 'site-packages');
  const triton = join(sitePackages, 'pytriton', 'tritonserver');
  return {
    sitePackages,
    server: join(triton, 'bin', 'tritonserver'),
    backends: join(triton, 'backends'),
    stub: join(triton, 'python_backend_stubs', version.slice('python'.length), 'triton_python_backend_stub'),
    libraries: join(sitePackages, 'nvidia_pytriton.libs'),
  };
}

/** The file of a library of the wheel, whose name there carries a digest: `libb64` of libb64-98cb6333.so.0d. */
export async function wheelLibrary(wheel: PytritonWheel, name: string): Promise<string> {
  const file = (await readdir(wheel.libraries)).find((candidate) => candidate.startsWith(`${name}-`));
  if (file === undefined) throw new AtollError('NOT_FOUND', `cannot find ${name} in ${wheel.libraries}`);
  return join(wheel.libraries, file);
}
