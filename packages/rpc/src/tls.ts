import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { watchFiles } from './watched-files.js';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Whose certificates clients must have; undefined = clients need none. */
  readonly clientCa: string | undefined;
}

/** What a TLS server needs; for gRPC and HTTPS alike. */
export interface ServerTls {
  /** For servers and setSecureContext: as the files are now. */
  context(): SecureContextOptions;
  /** Whether clients show a certificate. */
  readonly verify: Pick<TlsOptions, 'requestCert' | 'rejectUnauthorized'>;
  /** Told when the files have changed, for new handshakes; the function that it gives ends that. */
  onChange(listener: () => void): () => void;
  /** Looks at the files now. */
  readonly look: () => Promise<void>;
  readonly stop: () => void;
}

/** Reads the files and follows their changes; FAILED_PRECONDITION in one line when they are no certificate with its key. */
export async function watchTls(files: TlsFiles, log: Logger): Promise<ServerTls> {
  const paths = [files.certificate, files.key, ...(files.clientCa === undefined ? [] : [files.clientCa])];
  const watched = await watchFiles(paths, (bytes) => contextOf(files, bytes, log), log);
  return {
    context: () => watched.value,
    verify: files.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true },
    onChange: watched.onChange,
    look: watched.look,
    stop: watched.stop,
  };
}

function contextOf(files: TlsFiles, [cert, key, ca]: readonly Buffer[], log: Logger): SecureContextOptions {
  const options: SecureContextOptions = {
    minVersion: 'TLSv1.2',
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  };
  try {
    createSecureContext(options);
    if (ca !== undefined) new X509Certificate(ca);
    const certificate = new X509Certificate(cert ?? '');
    if (new Date(certificate.validTo).getTime() < Date.now())
      log.warn('the certificate has expired', { path: files.certificate, validTo: certificate.validTo });
  } catch (error) {
    const names = [files.certificate, files.key, files.clientCa].filter((name) => name !== undefined).join(', ');
    throw new AtollError('FAILED_PRECONDITION', `cannot use ${names} for TLS: ${reasonOf(error)}`, { cause: error });
  }
  return options;
}
