/** Flags of verbs that ask a node over TLS or with a token; what is secret comes from files alone. */
import type { Command } from 'commander';
import { AtollError } from '@atoll/base/error';
import type { ChannelSecurity } from '@atoll/rpc/channel';
import { readToken } from '@atoll/rpc/token';
import { readSmall } from '@atoll/rpc/watched-files';

/** The flags as commander gives them. */
export interface SecurityOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tokenFile?: string;
}

/** Adds the flags to a verb. */
export function addSecurityOptions(verb: Command): Command {
  return verb
    .option('--ca <file>', 'PEM of the authority that signed the certificate of the node; asks it over TLS')
    .option('--cert <file>', 'PEM of your certificate, for nodes that ask for one')
    .option('--key <file>', 'PEM of its key')
    .option('--token-file <file>', 'file with the token to show');
}

/** Reads the files. */
export async function readSecurity({ ca, cert, key, tokenFile }: SecurityOptions): Promise<ChannelSecurity> {
  if ((cert === undefined) !== (key === undefined))
    throw new AtollError('INVALID_ARGUMENT', 'cannot use --cert without --key, nor --key without --cert');
  return {
    ...(ca === undefined ? {} : { ca: await readSmall(ca) }),
    ...(cert === undefined ? {} : { cert: await readSmall(cert) }),
    ...(key === undefined ? {} : { key: await readSmall(key) }),
    ...(tokenFile === undefined ? {} : { token: await readToken(tokenFile) }),
  };
}
