import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds the whole repository, seen from the compiled test/dist/support. */
export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));

const notOurs = new Set(['node_modules', 'dist', '.git', '.atoll', 'runs', 'coverage']);

/** Every file that belongs to the repository, as sorted paths relative to its root; what is installed, built or made by a run is left out. */
export async function repositoryFiles(root = repositoryRoot): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      if (notOurs.has(entry.name) || entry.name.endsWith('.log')) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) found.push(path);
    }
  };
  await walk('');
  return found.toSorted();
}

/** A file of the repository as text. */
export function readText(path: string): Promise<string> {
  return readFile(join(repositoryRoot, path), 'utf8');
}

/** The TypeScript sources that people write: no generated code, no declarations. */
export async function sourcePaths(): Promise<readonly string[]> {
  const files = await repositoryFiles();
  return files.filter(
    (path) =>
      path.endsWith('.ts') &&
      !path.endsWith('.d.ts') &&
      path.includes('/src/') &&
      !path.startsWith('packages/proto/src/generated/'),
  );
}

/** A package.json of the repository. */
export interface Manifest {
  readonly path: string;
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Every package.json, the root's first. */
export async function manifests(): Promise<readonly Manifest[]> {
  const paths = (await repositoryFiles()).filter((path) => path === 'package.json' || path.endsWith('/package.json'));
  return Promise.all(
    paths.map(async (path) => {
      const read = JSON.parse(await readText(path)) as Partial<Manifest>;
      return {
        path,
        name: read.name ?? path,
        dependencies: read.dependencies ?? {},
        devDependencies: read.devDependencies ?? {},
      };
    }),
  );
}
