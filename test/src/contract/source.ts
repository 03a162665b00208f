import { parseSync, Visitor } from 'oxc-parser';

/** One module that a source names: by import, export from, import(), require() or import.meta.resolve(). */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** A thing of the outside used through a global, such as process.env or Date.now. */
export interface GlobalUse {
  readonly name: string;
  readonly line: number;
}

/** What the contract tests know of one TypeScript source. */
export interface Source {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  readonly globals: readonly GlobalUse[];
  /** Every string literal. */
  readonly texts: readonly string[];
}

const impureGlobals = new Set([
  'process.env',
  'Date.now',
  'Math.random',
  'performance.now',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]);
const impureCalls = new Set(['fetch', 'setTimeout', 'setInterval', 'setImmediate']);

/** Parses a source; a text that is no TypeScript is an error, never an empty answer. */
export function readSource(path: string, text: string): Source {
  const parsed = parseSync(path, text, { lang: 'ts', sourceType: 'module' });
  const fault = parsed.errors[0];
  if (fault !== undefined) throw new Error(`cannot parse ${path}: ${fault.message}`);
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const imports: Import[] = [];
  const globals: GlobalUse[] = [];
  const texts: string[] = [];
  const noteImport = (node: Literalish | null | undefined): void => {
    if (node?.type === 'Literal' && typeof node.value === 'string') {
      imports.push({ specifier: node.value, line: lineAt(node.start) });
    }
  };
  new Visitor({
    ImportDeclaration: (node) => noteImport(node.source),
    ExportNamedDeclaration: (node) => noteImport(node.source),
    ExportAllDeclaration: (node) => noteImport(node.source),
    ImportExpression: (node) => noteImport(node.source),
    TSImportType: (node) => noteImport(node.source),
    CallExpression: (node) => {
      const callee = text.slice(node.callee.start, node.callee.end);
      if (callee === 'require' || callee === 'import.meta.resolve') noteImport(node.arguments[0]);
      if (impureCalls.has(callee)) globals.push({ name: callee, line: lineAt(node.start) });
    },
    NewExpression: (node) => {
      const callee = text.slice(node.callee.start, node.callee.end);
      if (callee === 'Date' && node.arguments.length === 0)
        globals.push({ name: 'new Date()', line: lineAt(node.start) });
    },
    MemberExpression: (node) => {
      if (node.object.type !== 'Identifier') return;
      const property = memberName(node.property);
      const name = `${node.object.name}.${property ?? ''}`;
      if (impureGlobals.has(name)) globals.push({ name, line: lineAt(node.start) });
    },
    Literal: (node) => {
      if (typeof node.value === 'string') texts.push(node.value);
    },
    TemplateElement: (node) => {
      texts.push(node.value.raw);
    },
  }).visit(parsed.program);
  for (const { specifier, line } of imports) {
    if (specifier === 'node:process' || specifier === 'process') globals.push({ name: 'process.env', line });
  }
  return { path, imports, globals, texts };
}

interface Literalish {
  readonly type: string;
  readonly start: number;
  readonly value?: unknown;
}

function memberName(node: {
  readonly type: string;
  readonly name?: unknown;
  readonly value?: unknown;
}): string | undefined {
  if (node.type === 'Identifier' && typeof node.name === 'string') return node.name;
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  return undefined;
}
