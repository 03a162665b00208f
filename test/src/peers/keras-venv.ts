import { aiEdgePeer, type Peer, type PeerPython, peerPython, tensorflowPeer } from '@atoll/cli/bench/peer-python';
import type { Env } from '@atoll/base/env';

/** A Python that can import Keras 2.15; it is fetched once unless ATOLL_PEERS=0. */
export async function kerasPython(env: Env): Promise<PeerPython> {
  return find(tensorflowPeer, env, env['ATOLL_PEERS'] !== '0');
}

/** A Python that can import ai-edge-quantizer and ai-edge-litert; it is fetched once with ATOLL_PEERS=all, else taken where it is. */
export async function aiEdgePython(env: Env): Promise<PeerPython> {
  return find(aiEdgePeer, env, env['ATOLL_PEERS'] === 'all');
}

/** Keras 3, on the smallest of its engines. */
const keras3Peer: Peer = {
  folder: 'keras-3.15.1',
  requirement: 'keras==3.15.1 jax==0.10.2',
  minors: [11, 14],
  download: '120 MB to download, 0.6 GB',
  neededBytes: 1e9,
};

/** A Python that can import Keras 3; it is fetched once with ATOLL_PEERS=all, else taken where it is. */
export async function keras3Python(env: Env): Promise<PeerPython> {
  return find(keras3Peer, env, env['ATOLL_PEERS'] === 'all');
}

/** The readers of TFLite Metadata that phones use too. */
const taskLibraryPeer: Peer = {
  folder: 'tflite-support-0.4.4',
  requirement: 'tflite-support==0.4.4',
  minors: [8, 11],
  download: '90 MB to download, 0.3 GB',
  neededBytes: 5e8,
};

/** A Python that can import tflite-support; it is fetched once with ATOLL_PEERS=all, else taken where it is. */
export async function taskLibraryPython(env: Env): Promise<PeerPython> {
  return find(taskLibraryPeer, env, env['ATOLL_PEERS'] === 'all');
}

async function find(peer: Peer, env: Env, fetch: boolean): Promise<PeerPython> {
  const { requirement, download } = peer;
  if (env['ATOLL_PEERS'] !== '0') return peerPython(peer, env, fetch);
  return {
    skip: `ATOLL_PEERS=0 asks for no peers: ATOLL_PEERS=all fetches ${requirement} by pip once, ${download} on disk`,
  };
}
