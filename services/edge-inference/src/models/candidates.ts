import type { BackendChoice, CpuBackend } from '@atoll/runtime/open';
import type { Candidate } from '../runtime/messages.js';
import type { ModelPackage, PackageFile } from './model-package.js';

/**
 * The files of a package that a node may open under this choice of backend, best first; those for `edgetpu` go to devices, the
 * others to CPU slots. `auto` has both, so that a node whose device is away still answers, labelled as what it is; what was found
 * fastest on this machine (`preferred`) is tried before the usual order.
 */
export function candidatesOf(pkg: ModelPackage, backend: BackendChoice, preferred?: CpuBackend): readonly Candidate[] {
  const compiled = pkg.files.filter((file) => file.target === 'edgetpu');
  const plain = pkg.files.filter((file) => file.target === 'cpu');
  const onEdgeTpu = compiled.map((file) => candidateOf(file, 'edgetpu'));
  const onCpu = plain.map((file) => candidateOf(file, backend));
  switch (backend) {
    case 'auto':
      return [
        ...onEdgeTpu,
        ...(preferred === undefined ? [] : plain.filter(isWhole).map((file) => candidateOf(file, preferred))),
        ...onCpu,
      ];
    case 'edgetpu':
      return onEdgeTpu;
    case 'native':
    case 'native-litert':
    case 'native-tflite':
    case 'wasm':
      return onCpu;
  }
}

function candidateOf({ path, sha256, segment }: PackageFile, backend: BackendChoice): Candidate {
  return { backend, path, sha256, ...(segment === undefined ? {} : { segment }) };
}

/** The files that a probe may open: whole models, and never on an accelerator, which the serving child owns. */
export function probeCandidatesOf(
  pkg: ModelPackage,
  backend: BackendChoice,
  preferred?: CpuBackend,
): readonly Candidate[] {
  return candidatesOf(pkg, backend === 'edgetpu' ? 'auto' : backend, preferred).filter(
    (candidate) => candidate.backend !== 'edgetpu' && candidate.segment === undefined,
  );
}

function isWhole({ segment }: PackageFile): boolean {
  return segment === undefined;
}
