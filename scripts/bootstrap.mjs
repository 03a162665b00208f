// The one file that is not TypeScript: it runs before anything is installed or compiled, with Node's own modules only.
// It brings node_modules and the compiled code up to date, then hands over to scripts/dist/main.js.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs';
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
    if (performance.now() - lastMs > 1000) child.kill(signal);
    lastMs = performance.now();
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
  const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {});
  const there = read(join(root, 'node_modules/.package-lock.json'));
  const fits = ([path, want]) => !path || want.optional || (path in there && there[path].integrity === want.integrity);
  return Object.entries(read(join(root, 'package-lock.json'))).every(fits);
}

function install() {
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < 1e9) throw new Error(`the npm packages need 1 GB and ${root} has less free`);
  process.stdout.write('Installing the npm packages: 230 MB to download, 710 MB on disk\n');
  return run('npm', ['ci']);
}

function clean(withCache) {
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    const made = ['dist', 'coverage', 'node_modules'].includes(entry.name) || entry.name.endsWith('.tsbuildinfo');
    if (made && !/[/\\](node_modules|\.git)([/\\]|$)/.test(entry.parentPath)) remove(entry.parentPath, entry.name);
  }
  for (const name of ['.atoll', 'runs']) remove(root, name);
  const { ATOLL_CACHE, HOME = '/tmp', XDG_CACHE_HOME = join(HOME, '.cache') } = process.env;
  if (withCache) remove(ATOLL_CACHE ?? join(XDG_CACHE_HOME, 'atoll'));
}

async function main(verb, args) {
  if (process.version.localeCompare('v20.19', 'en', { numeric: true }) < 0) throw new Error('it is older than v20.19');
  if (verb === 'clean') return clean(args.includes('--cache'));
  const handOver = ['--enable-source-maps', join(root, 'scripts/dist/main.js'), verb ?? '', ...args];
  process.exitCode = isInstalled() ? 0 : await install();
  process.exitCode ||= await run(join(root, 'node_modules/.bin/tsc'), ['-b']);
  process.exitCode ||= await run(process.execPath, handOver, ['ipc']);
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  process.stderr.write(`atoll: cannot start on Node ${process.version}: ${error.message}\n`);
  process.exitCode = 1;
});
