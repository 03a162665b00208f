/*
 * Health and metrics for those who do not speak gRPC: /healthz (the front lives), /readyz (a model serves), /metrics in
 * Prometheus' text form. Only GET, nothing is changed here.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import type { SwapManager } from './swap/manager.js';

/** The HTTP side of a node. */
export interface HttpSide {
  readonly address: string;
  stop(): Promise<void>;
}

/** Listens on host:port; FAILED_PRECONDITION with one line when the address cannot be had. */
export async function startHttp(listen: string, manager: SwapManager): Promise<HttpSide> {
  const cut = listen.lastIndexOf(':');
  const [host, port] = [listen.slice(0, cut), Number(listen.slice(cut + 1))];
  const server = createServer((request, response) => {
    const { status, body } = request.method === 'GET' ? answer(request.url ?? '', manager) : notFound;
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const reason = errnoOf(error) === 'EADDRINUSE' ? 'the address is in use' : reasonOf(error);
      reject(new AtollError('FAILED_PRECONDITION', `cannot listen on ${listen}: ${reason}`, { cause: error }));
    });
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), resolve);
  });
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

const notFound: Answer = { status: 404, body: 'not found\n' };

function answer(url: string, manager: SwapManager): Answer {
  // Not by URL: what a stranger sends as a path need not be one, and an exception here would end the node.
  switch (url.replace(/\?.*$/s, '')) {
    case '/healthz':
      return { status: 200, body: 'ok\n' };
    case '/readyz':
      return manager.versions().some(({ inService }) => inService)
        ? { status: 200, body: 'ok\n' }
        : { status: 503, body: 'no model is in service\n' };
    case '/metrics':
      return { status: 200, body: metrics(manager) };
    default:
      return notFound;
  }
}

/** One line a number and version; latency is from dequeue to output. */
function metrics(manager: SwapManager): string {
  const lines: string[] = [];
  const versions = manager.versions().map(({ served, inService }) => ({
    labels: `model="${served.pkg.model}",version="${served.pkg.version}",backend="${served.info.backend}"`,
    stats: served.stats.snapshot(),
    inService,
  }));
  const family = (
    name: string,
    type: string,
    help: string,
    values: (v: (typeof versions)[number]) => [string, number][],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const version of versions) {
      for (const [more, value] of values(version)) lines.push(`${name}{${version.labels}${more}} ${value}`);
    }
  };
  family('atoll_inference_requests_total', 'counter', 'Requests that were run, by outcome.', ({ stats }) => [
    [',outcome="ok"', stats.requests - stats.errors],
    [',outcome="error"', stats.errors],
  ]);
  family(
    'atoll_inference_latency_seconds',
    'gauge',
    'Time from dequeue to output since the version went into service.',
    ({ stats }) => [
      [',quantile="0.5"', stats.p50Ms / 1_000],
      [',quantile="0.99"', stats.p99Ms / 1_000],
    ],
  );
  family('atoll_runtime_crashes_total', 'counter', 'Unasked ends of the runtime process.', ({ stats }) => [
    ['', stats.crashes],
  ]);
  family(
    'atoll_model_in_service',
    'gauge',
    '1 for the version that requests without a version go to.',
    ({ inService }) => [['', inService ? 1 : 0]],
  );
  return `${lines.join('\n')}\n`;
}
