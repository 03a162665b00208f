import type { BackendChoice } from '@atoll/runtime/open';
import type { Candidate } from '../runtime/messages.js';
import type { ModelPackage } from './model-package.js';

/**
 * The files of a package that a child may open under this choice of backend, best first. `auto` prefers a compiled file on an
 * Edge TPU and keeps the CPU file behind it, so that a node whose device is away still answers, labelled as what it is.
 */
export function candidatesOf(pkg: ModelPackage, backend: BackendChoice): readonly Candidate[] {
  const compiled = pkg.files.filter((file) => file.target === 'edgetpu');
  const plain = pkg.files.filter((file) => file.target === 'cpu');
  const onEdgeTpu = compiled.map(({ path, sha256 }): Candidate => ({ backend: 'edgetpu', path, sha256 }));
  const onCpu = plain.map(({ path, sha256 }): Candidate => ({ backend, path, sha256 }));
  switch (backend) {
    case 'auto':
      return [...onEdgeTpu, ...onCpu];
    case 'edgetpu':
      return onEdgeTpu;
    case 'native':
    case 'wasm':
      return onCpu;
  }
}

/** The files that a probe may open: never an accelerator, which the serving child owns. */
export function probeCandidatesOf(pkg: ModelPackage, backend: BackendChoice): readonly Candidate[] {
  return candidatesOf(pkg, backend === 'edgetpu' ? 'auto' : backend).filter(
    (candidate) => candidate.backend !== 'edgetpu',
  );
}
