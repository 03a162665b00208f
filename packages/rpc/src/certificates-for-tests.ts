import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Why tests that need openssl's command line are skipped; false where it is. */
export async function opensslMissing(): Promise<string | false> {
  try {
    await run('openssl', ['version']);
    return false;
  } catch {
    return 'the openssl command is not there to make certificates: install openssl';
  }
}

/** An authority's certificate and key in a folder: NAME.pem, NAME.key. */
export async function makeAuthority(folder: string, name: string): Promise<void> {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  await run('openssl', ['req', '-x509', ...ecKey, '-keyout', key, '-out', cert, ...subject]);
}

/** A certificate for 127.0.0.1 and localhost, signed by an authority of the same folder: NAME.pem, NAME.key. */
export async function makeCertificate(folder: string, name: string, authority: string): Promise<void> {
  const path = (file: string): string => join(folder, file);
  await writeFile(path(`${name}.ext`), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const request = ['-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`];
  await run('openssl', ['req', ...ecKey, ...request]);
  const signer = ['-CA', path(`${authority}.pem`), '-CAkey', path(`${authority}.key`), '-CAcreateserial'];
  const files = ['-in', path(`${name}.csr`), '-out', path(`${name}.pem`), '-extfile', path(`${name}.ext`)];
  await run('openssl', ['x509', '-req', '-days', '2', ...signer, ...files]);
}

const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
