// The one file that is not TypeScript: it runs before anything is installed or compiled. It brings node_modules and
// the compiled code up to date, then hands over to scripts/dist/main.js. Node's own modules only.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const remove = (...path) => rmSync(join(...path), { recursive: true, force: true });

// The child leads a process group of its own: Ctrl-C, which a terminal sends to everyone and npm sends once more,
// reaches it exactly once, from here. Should npm die, this process ends the child; should this one, the closed channel.
function run(command, args, channel = []) {
  const child = spawn(command, args, { cwd: root, detached: true, stdio: [0, 1, 2, ...channel] });
  let lastMs = -1000;
  const forward = (signal) => {
    const nowMs = performance.now();
    if (nowMs - lastMs > 1000) child.kill(signal);
    lastMs = nowMs;
  };
  for (const signal of signals) process.on(signal, forward);
  const parent = process.ppid;
  const watch = setInterval(() => process.ppid !== parent && (clearInterval(watch), forward('SIGTERM')), 500);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', (code) => resolve(lastMs > 0 ? code || 130 : (code ?? 1)));
  });
  return ended.finally(() => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, forward);
  });
}

// npm keeps its own record of what lies in node_modules; it is written last, so half an install has none.
function isInstalled() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  try {
    const there = read('node_modules/.package-lock.json');
    const required = Object.entries(read('package-lock.json')).filter(([path, entry]) => path && !entry.optional);
    return required.every(([path, entry]) => there[path] && there[path].integrity === entry.integrity);
  } catch {
    return false;
  }
}

function clean(withCache) {
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    const made = ['dist', 'coverage'].includes(entry.name) || entry.name.endsWith('.tsbuildinfo');
    if (made && !/[/\\](node_modules|\.git)([/\\]|$)/.test(entry.parentPath)) remove(entry.parentPath, entry.name);
  }
  for (const name of ['.atoll', 'runs', 'node_modules']) remove(root, name);
  const { ATOLL_CACHE, XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;
  if (withCache) remove(ATOLL_CACHE ?? join(XDG_CACHE_HOME, 'atoll'));
}

async function main(verb, args) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new Error(`Node ${process.version} is older than 20.19`);
  if (verb === 'clean') return clean(args.includes('--cache'));
  const handOver = ['--enable-source-maps', join(root, 'scripts/dist/main.js'), verb ?? '', ...args];
  process.exitCode = isInstalled() ? 0 : await run('npm', ['ci']);
  process.exitCode ||= await run(join(root, 'node_modules/.bin/tsc'), ['-b']);
  process.exitCode ||= await run(process.execPath, handOver, ['ipc']);
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  process.stderr.write(`atoll: cannot start: ${error.message}\n`);
  process.exitCode = 1;
});
