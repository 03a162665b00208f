/**
 * Which installed packages one service needs at run time, decided from package-lock.json alone: the packages that its
 * package.json reaches through dependencies, resolved as Node resolves them. It reads no disk, so the same lock file
 * always gives the same image.
 */
import { AtollError } from '@atoll/base/error';

/** One entry of a version 3 lock file; its key is a folder relative to the root. */
export interface LockEntry {
  /** For a link: the folder of the workspace that it stands for. */
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** The `packages` of a lock file. */
export type LockPackages = Readonly<Record<string, LockEntry>>;

/** What an image needs. */
export interface Closure {
  /** Workspace folders: "services/trainer", "packages/base". */
  readonly workspaces: readonly string[];
  /** Installed folders below some node_modules; one that is optional may be absent on this platform. */
  readonly installed: readonly { readonly folder: string; readonly optional: boolean }[];
}

/** Everything that the workspace in `start` reaches; FAILED_PRECONDITION when the lock file lacks a part of it. */
export function lockClosure(packages: LockPackages, start: string): Closure {
  const optionalOf = new Map<string, boolean>();
  const visit = (folder: string, optional: boolean): void => {
    const entry = packages[folder];
    if (entry === undefined) {
      throw new AtollError('FAILED_PRECONDITION', `cannot assemble ${start}: the lock file has no ${folder}`);
    }
    const known = optionalOf.get(folder);
    if (known !== undefined && (!known || optional)) return;
    optionalOf.set(folder, optional);
    for (const need of needsOf(entry)) {
      const found = resolveFrom(packages, folder, need.name);
      if (found !== undefined) visit(found, optional || need.optional);
      else if (!need.optional) {
        throw new AtollError('FAILED_PRECONDITION', `cannot assemble ${start}: ${folder} finds no ${need.name}`);
      }
    }
  };
  visit(start, false);
  const folders = [...optionalOf].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    workspaces: folders.map(([folder]) => folder).filter((folder) => !folder.includes('node_modules/')),
    installed: folders
      .filter(([folder]) => folder.includes('node_modules/'))
      .map(([folder, optional]) => ({ folder, optional })),
  };
}

interface Need {
  readonly name: string;
  readonly optional: boolean;
}

function needsOf(entry: LockEntry): readonly Need[] {
  const optional = Object.keys(entry.optionalDependencies ?? {});
  const isOptionalPeer = (name: string): boolean => entry.peerDependenciesMeta?.[name]?.optional === true;
  return [
    ...Object.keys(entry.dependencies ?? {})
      .filter((name) => !optional.includes(name))
      .map((name) => ({ name, optional: false })),
    ...optional.map((name) => ({ name, optional: true })),
    ...Object.keys(entry.peerDependencies ?? {})
      .filter((name) => !isOptionalPeer(name))
      .map((name) => ({ name, optional: false })),
  ];
}

/** Node's own walk: the nearest node_modules up from `folder` that has it; a link is followed to its workspace. */
function resolveFrom(packages: LockPackages, folder: string, name: string): string | undefined {
  for (let at = folder; ; at = parentOf(at)) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    const entry = packages[candidate];
    if (entry !== undefined) return entry.link === true ? entry.resolved : candidate;
    if (at === '') return undefined;
  }
}

function parentOf(folder: string): string {
  const cut = folder.lastIndexOf('/');
  return cut < 0 ? '' : folder.slice(0, cut);
}
