import { readFileSync } from 'node:fs';
import type { ConfigReader } from '../../common/text/config-reader.js';
import { messageOf } from '../../common/errors.js';
import { Secret, secretText } from '../../common/secret.js';
import type { TlsOptions } from '../ports.js';

/** What of TLS stands in files: absolute paths. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** TLS to Postgres: the files, and the options as they are with what those held at the start. */
export interface TlsConfig {
  readonly files: TlsFiles;
  readonly first: TlsOptions;
}

export function pathOf(reader: ConfigReader): string {
  return reader.text('an absolute path', /^\//);
}

/** The content of a file that holds one secret. */
export function readSecret(reader: ConfigReader, what: string): Secret {
  const text = secretText(readIn(reader, what));
  if (text === '') reader.refuse(`a file with ${what}; that one is empty`);
  return new Secret(text);
}

/** `ssl` as in pg: true, false, or a mapping; certificates and key are named by their files. Default false. */
export function parseTls(reader: ConfigReader): TlsConfig | undefined {
  if (!reader.present || reader.value === false) return undefined;
  if (reader.value === true) return { files: {}, first: {} };
  if (typeof reader.value !== 'object') reader.refuse('true, false or a mapping');
  const tls = reader.mapping(['rejectUnauthorized', 'servername', 'caFile', 'certFile', 'keyFile']);
  const [ca, cert, key] = ['caFile', 'certFile', 'keyFile'].map((name) => tls(name).or(undefined, pathOf));
  const rejectUnauthorized = tls('rejectUnauthorized').or(undefined, (flag) => flag.boolean());
  const servername = tls('servername').or(undefined, (name) => name.text('a host name'));
  if ((cert === undefined) !== (key === undefined))
    tls(cert === undefined ? 'certFile' : 'keyFile').refuse(
      'certFile and keyFile together, or neither of them',
    );
  return {
    files: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    first: {
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername && { servername }),
      ...(ca && { ca: readIn(tls('caFile'), 'certificates') }),
      ...(cert && { cert: readIn(tls('certFile'), 'a certificate') }),
      ...(key && { key: new Secret(readIn(tls('keyFile'), 'its key')) }),
    },
  };
}

function readIn(reader: ConfigReader, what: string): string {
  try {
    return readFileSync(pathOf(reader), 'utf8');
  } catch (error) {
    return reader.refuse(`a readable file with ${what} (${messageOf(error)})`);
  }
}
