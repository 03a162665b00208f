// What can be asked of edgetpu_compiler, checked before it is started, and the arguments that ask for it. Names of tensors go
// through as one argument: no shell sees them, so the semicolons of fused names are harmless.
// Source: coral.ai/docs/edgetpu/compiler, and the help text of version 16.
import { AtollError } from '@atoll/base/error';

/** What to ask of the compiler; 0, empty and false leave it to the compiler. */
export interface CompilerOptions {
  /** The oldest runtime that must load the result, 10 to 14. */
  readonly minRuntimeVersion: number;
  /** Tensors that become outputs of the Edge TPU part: what comes after them stays on the CPU. */
  readonly intermediateTensors: readonly string[];
  /** Into how many files of a pipeline to cut the model. */
  readonly numSegments: number;
  /** Drop operators from the end until what is left compiles. */
  readonly searchDelegate: boolean;
  /** How many operators to drop at a time. */
  readonly delegateSearchStep: number;
  /** The compiler's own timer for one try. */
  readonly timeoutSeconds: number;
  /** Allow several Edge TPU parts in one file. */
  readonly multipleSubgraphs: boolean;
}

/** The compiler's own defaults. */
export const plainOptions: CompilerOptions = {
  minRuntimeVersion: 0,
  intermediateTensors: [],
  numSegments: 0,
  searchDelegate: false,
  delegateSearchStep: 0,
  timeoutSeconds: 0,
  multipleSubgraphs: false,
};

/** The bounds of the numbers, for all who ask for them. */
export const optionBounds = {
  minRuntimeVersion: { least: 10, most: 14 },
  numSegments: { least: 1, most: 64 },
  delegateSearchStep: { least: 1, most: 10_000 },
  timeoutSeconds: { least: 1, most: 86_400 },
} as const;

/** INVALID_ARGUMENT when a number is out of bounds or two options exclude each other. */
export function checkOptions(options: CompilerOptions): void {
  const names = {
    minRuntimeVersion: 'runtime',
    numSegments: 'number of segments',
    delegateSearchStep: 'search step',
    timeoutSeconds: 'time in seconds',
  } as const;
  for (const key of ['minRuntimeVersion', 'numSegments', 'delegateSearchStep', 'timeoutSeconds'] as const) {
    const value = options[key];
    const { least, most } = optionBounds[key];
    if (value === 0 || (Number.isInteger(value) && value >= least && value <= most)) continue;
    throw wrong(`${names[key]} ${value}`, `${least} to ${most} are possible`);
  }
  const { intermediateTensors: tensors, numSegments, searchDelegate, delegateSearchStep } = options;
  if (tensors.length > 0 && numSegments > 1) {
    throw wrong('intermediate tensors and several segments', 'the compiler takes one or the other');
  }
  if (delegateSearchStep !== 0 && !searchDelegate) {
    throw wrong(`search step ${delegateSearchStep}`, 'it needs the search for a delegate');
  }
  const odd = tensors.find((name) => name === '' || name.includes(',') || name.includes('\0'));
  if (odd !== undefined)
    throw wrong(`intermediate tensor ${JSON.stringify(odd)}`, 'a name has no comma and is not empty');
}

/** The first version of the compiler that knows an option. Source: CHANGES.md of google-coral/edgetpu, and feranick/libcoral. */
const since: readonly (readonly [
  flag: string,
  version: readonly [number, number],
  asked: (o: CompilerOptions) => boolean,
])[] = [
  ['-i', [2, 1], (options) => options.intermediateTensors.length > 0],
  ['-n', [2, 1], (options) => options.numSegments > 1],
  ['-d', [16, 0], (options) => options.searchDelegate],
  ['-t', [16, 0], (options) => options.timeoutSeconds > 0],
];

/** FAILED_PRECONDITION when the installed version is too old for what is asked; an unknown version (null) passes. */
export function checkVersion(version: string | null, options: CompilerOptions): void {
  const [major, minor] = version?.split('.').map(Number) ?? [];
  if (major === undefined || minor === undefined || Number.isNaN(major + minor)) return;
  for (const [flag, [firstMajor, firstMinor], asked] of since) {
    if (!asked(options) || major > firstMajor || (major === firstMajor && minor >= firstMinor)) continue;
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot ask edgetpu_compiler ${version} for ${flag}: it came with version ${firstMajor}.${firstMinor}`,
    );
  }
}

/** The command line: results and logs go to `outFolder`, the operator table to standard output. */
export function compilerArguments(
  options: CompilerOptions,
  outFolder: string,
  inputs: readonly string[],
): readonly string[] {
  const { minRuntimeVersion, intermediateTensors, numSegments, delegateSearchStep, timeoutSeconds } = options;
  return [
    '-s',
    '-o',
    outFolder,
    ...(minRuntimeVersion === 0 ? [] : ['-m', String(minRuntimeVersion)]),
    ...(intermediateTensors.length === 0 ? [] : ['-i', intermediateTensors.join(',')]),
    ...(numSegments > 1 ? ['-n', String(numSegments)] : []),
    ...(options.searchDelegate ? ['-d'] : []),
    ...(delegateSearchStep === 0 ? [] : ['-k', String(delegateSearchStep)]),
    ...(timeoutSeconds === 0 ? [] : ['-t', String(timeoutSeconds)]),
    ...(options.multipleSubgraphs ? ['-a'] : []),
    ...inputs,
  ];
}

/** Names of the compiled files of one model, without their ending: one, or one a segment. */
export function outputStems(stem: string, { numSegments }: CompilerOptions): readonly string[] {
  if (numSegments <= 1) return [`${stem}_edgetpu`];
  return Array.from({ length: numSegments }, (_, index) => `${stem}_segment_${index}_of_${numSegments}_edgetpu`);
}

function wrong(what: string, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot compile with ${what}: ${why}`);
}
