// docs/edge-tpu.md, made from the tables that the planner and the adapter use, so that page and program cannot part.
import { cautions } from './cautions.js';
import { failureRows } from './compiler-failures.js';
import { mappingRules } from './rules.js';
import { refusedAbove, replacements, supportedOps } from './supported-ops.js';

/** The whole page as Markdown; a test holds the file in docs/ to it. */
export function rulesPage(): string {
  const operators = Object.entries(supportedOps).map(([op, { newestVersion, runtime }]) => [
    code(op),
    String(newestVersion),
    runtime === 10 ? 'any' : `${runtime} or newer`,
    op in refusedAbove ? 'seen' : 'not seen',
    mappingRules
      .filter(({ ops }) => ops !== 'any' && ops.some((name) => name === op))
      .map(({ id }) => code(id))
      .join(', '),
  ]);
  const rules = mappingRules.map(({ id, ops, status, confidence, source, remedy }) => [
    code(id),
    ops === 'any' ? 'all' : ops.map(code).join(', '),
    status,
    confidence,
    source,
    remedy,
  ]);
  const doubts = cautions.map(({ id, ops, source }) => [
    code(id),
    ops === 'any' ? 'all' : ops.map(code).join(', '),
    source,
  ]);
  const others = Object.entries(replacements).map(([op, other]) => [code(op), other]);
  const failures = failureRows.map(({ id, cause, remedy, source }) => [code(id), cause, remedy, source]);
  return `# The Edge TPU: what maps, and why the rest does not

\`atoll compile\` runs your own \`edgetpu_compiler\` where it is installed. Without one it plans by the rules below, which are the
program's own tables: this page is made from them. A plan is \`plan.json\`, never a compiled file.

The first rule that applies decides. *Documented* rules are the vendor's, *observed* ones come from published logs, issues and
compiled files, *inferred* ones from both. Where nothing decides, the verdict is *uncertain* and names a caution.

The compiler makes one Edge TPU part: operators that cannot map may come before it, but the first that follows it ends it, and all
that need its result stay on the CPU as "More than one subgraph is not supported". Branches that do not need it still map.

## Operators that map
Model requirements: tensors of 8 bits, sizes and parameters fixed, batch 1, at most three dimensions above 1. All other operators
stay on the CPU.

${table(['operator', 'newest version', 'runtime', 'newer refused', 'limits'], operators)}

## Rules
${table(['rule', 'operators', 'status', 'confidence', 'source', 'what to do'], rules)}

## Where the verdict is a guess
${table(['caution', 'operators', 'what is known'], doubts)}
| \`late-input\` | all | it takes the result of a CPU operator that runs after the part has begun: the order is the compiler's |

## In the place of operators that do not map
${table(['operator', 'instead'], others)}

## Memory
Parameters take, in bytes, \`ceil16(out) * in + align64(8 * out)\` for a dense layer, \`ceil16(out) * kh * kw * ceil32(in) + align64(16 * out) + 512\`
for a convolution and \`ceil16(kh * kw) * ceil64(c) + align64(16 * c) + 512\` for a depthwise one: a fit to compiled models, within 10 % from
about 100 KB up and too low for smaller ones. About 8 MiB of the chip hold parameters, less where activations are large; up to 6.5 MiB
they were always cached. What does not fit is sent over the bus at every inference.

## When the compiler fails
${table(['failure', 'cause', 'what to do', 'seen in'], failures)}

A run that reports success is judged by the file that it leaves: it must hold a package, map something, and need no newer runtime than
was asked for.
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
