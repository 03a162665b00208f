/*
 * Spans of requests that are over, to an OpenTelemetry collector. A request is told once, at its end, from the numbers that
 * were taken anyway; whether it is recorded is the sampler's decision from the caller's trace. Spans wait in a bounded queue and are
 * dropped when it is full, so a collector that is slow or away costs memory once and never a request.
 */
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '@atoll/base/log';
import { atollVersion } from '../atoll-version.js';
import type { TraceConfig } from '../config/trace.js';
import type { RequestTrace } from './request-trace.js';
import { plannedSpans, traceAttributes } from './request-trace.js';
import { parseTraceparent } from './traceparent.js';

/** Tells requests to a collector. */
export interface Tracing {
  record(trace: RequestTrace): void;
  /** Sends what waits, for two seconds at most. */
  stop(): Promise<void>;
}

/** Spans that may wait. */
const queueSpans = 2_048;
/** Between two lines about a collector that cannot be reached. */
const complainEveryMs = 60_000;
const stopTimeoutMs = 2_000;

/** Loads OpenTelemetry, which a node without a collector never does. `instance` tells nodes apart. */
export async function startTracing(settings: TraceConfig, instance: string, log: Logger): Promise<Tracing> {
  const [{ createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace }, sdk, otlp, resources] = await Promise.all(
    [
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ],
  );
  const target = new otlp.OTLPTraceExporter({ url: settings.url });
  let complainedMs = -Infinity;
  const exporter: SpanExporter = {
    export: (spans, done) =>
      target.export(spans, (result) => {
        const nowMs = performance.now();
        if (result.error !== undefined && nowMs - complainedMs >= complainEveryMs) {
          complainedMs = nowMs;
          log.warn('spans could not be delivered', {
            url: settings.url,
            spans: spans.length,
            reason: result.error.message,
          });
        }
        done(result);
      }),
    shutdown: async () => await target.shutdown(),
    forceFlush: async () => await target.forceFlush(),
  };
  const root = settings.sampler.endsWith('always_off')
    ? new sdk.AlwaysOffSampler()
    : settings.sampler.endsWith('traceidratio')
      ? new sdk.TraceIdRatioBasedSampler(settings.ratio)
      : new sdk.AlwaysOnSampler();
  const provider = new sdk.TracerProvider({
    sampler: settings.sampler.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root }) : root,
    resource: resources
      .defaultResource()
      .merge(resources.detectResources({ detectors: [resources.envDetector] }))
      .merge(
        resources.resourceFromAttributes({
          'service.name': settings.serviceName,
          'service.version': atollVersion,
          'service.instance.id': instance,
        }),
      ),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, maxQueueSize: queueSpans })],
  });
  const tracer = provider.getTracer('atoll', atollVersion);
  return {
    record(request) {
      const parent = parseTraceparent(request.traceparent);
      const above =
        parent === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, {
              traceId: parent.traceId,
              spanId: parent.spanId,
              traceFlags: parent.flags,
              isRemote: true,
              ...(request.tracestate === undefined ? {} : { traceState: createTraceState(request.tracestate) }),
            });
      const { whole, parts } = plannedSpans(request);
      const attributes = traceAttributes(request);
      const span = tracer.startSpan(whole.name, { kind: SpanKind.SERVER, startTime: whole.startMs, attributes }, above);
      if (span.isRecording()) {
        const inside = trace.setSpan(above, span);
        for (const { name, startMs, endMs } of parts)
          tracer.startSpan(name, { startTime: startMs, attributes }, inside).end(endMs);
        if (request.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: request.error });
      }
      span.end(whole.endMs);
    },
    async stop() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, stopTimeoutMs).unref());
      // A collector that is away is told of above; it must not keep a node from ending.
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}
