/*
 * What OpenTelemetry's standard names say about traces. Headers, timeouts, certificates and compression of the exporter, and
 * OTEL_RESOURCE_ATTRIBUTES, are read by its library itself.
 */
import type { Env } from '@atoll/base/env';
import { EnvReader } from '@atoll/base/env';

/** Which requests are recorded, by OpenTelemetry's names. */
const samplers = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

/** How traces are made and where they go. */
export interface TraceConfig {
  /** Where spans are posted, as OTLP in JSON. */
  readonly url: string;
  readonly serviceName: string;
  readonly sampler: (typeof samplers)[number];
  /** Of the traceidratio samplers, 0 to 1. */
  readonly ratio: number;
}

/** Undefined without an endpoint, or when OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER says that none is wanted. */
export function readTrace(reader: EnvReader): TraceConfig | undefined {
  const base = reader.httpAddress('OTEL_EXPORTER_OTLP_ENDPOINT')?.replace(/\/+$/, '');
  const url = reader.httpAddress('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? (base && `${base}/v1/traces`);
  const wanted =
    reader.choice('OTEL_SDK_DISABLED', 'false', ['false', 'true']) === 'false' &&
    reader.choice('OTEL_TRACES_EXPORTER', 'otlp', ['otlp', 'none']) === 'otlp';
  // Collectors take JSON where they take protobuf; gRPC is another port and is not spoken.
  const protocols = ['http/json', 'http/protobuf'] as const;
  if (url !== undefined && wanted) {
    const protocol = reader.choice('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json', protocols);
    reader.choice('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', protocol, protocols);
  }
  const config = {
    serviceName: reader.text('OTEL_SERVICE_NAME', 'atoll-edge-inference'),
    sampler: reader.choice('OTEL_TRACES_SAMPLER', 'parentbased_always_on', samplers),
    ratio: reader.fraction('OTEL_TRACES_SAMPLER_ARG', 1),
  };
  return url !== undefined && wanted ? { url, ...config } : undefined;
}

/** The same for whoever reads no other setting from the environment; INVALID_ARGUMENT with every fault. */
export function traceFromEnv(env: Env): TraceConfig | undefined {
  // Of OpenTelemetry's own names many are for its library, so none is called unknown here.
  const reader = new EnvReader(env, 'OTEL_ATOLL_');
  const config = readTrace(reader);
  reader.done();
  return config;
}
