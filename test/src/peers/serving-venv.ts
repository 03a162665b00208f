import {
  kservePeer,
  type Peer,
  type PeerPython,
  peerPython,
  perfAnalyzerPeer,
  tritonPeer,
} from '@atoll/cli/bench/peer-python';
import type { Env } from '@atoll/base/env';

/** Triton's clients for Python. */
const tritonClientPeer: Peer = {
  folder: 'tritonclient-2.73.0',
  requirement: 'tritonclient[grpc,http]==2.73.0',
  minors: [9, 14],
  download: '60 MB to download, 0.2 GB',
  neededBytes: 4e8,
};

/** A Python that can import tritonclient; it is fetched once unless ATOLL_PEERS=0. */
export async function tritonClientPython(env: Env): Promise<PeerPython> {
  return find(tritonClientPeer, env, env['ATOLL_PEERS'] !== '0');
}

/** A Python that can import kserve; it is fetched once with ATOLL_PEERS=all, else taken where it is. */
export async function kservePython(env: Env): Promise<PeerPython> {
  return find(kservePeer, env, env['ATOLL_PEERS'] === 'all');
}

/**
 * The Pythons beside which perf_analyzer lies, and the libraries that it wants; fetched once with ATOLL_PEERS=all, else taken
 * where they are.
 */
export async function perfAnalyzerPythons(
  env: Env,
): Promise<{ readonly program: string; readonly libraries: string } | { readonly skip: string }> {
  const fetch = env['ATOLL_PEERS'] === 'all';
  const program = await find(perfAnalyzerPeer, env, fetch);
  const libraries = await find(tritonPeer, env, fetch);
  if ('skip' in program) return program;
  return 'skip' in libraries ? libraries : { program: program.python, libraries: libraries.python };
}

async function find(peer: Peer, env: Env, fetch: boolean): Promise<PeerPython> {
  const { requirement, download } = peer;
  if (env['ATOLL_PEERS'] !== '0') return peerPython(peer, env, fetch);
  return {
    skip: `ATOLL_PEERS=0 asks for no peers: ATOLL_PEERS=all fetches ${requirement} by pip once, ${download} on disk`,
  };
}
