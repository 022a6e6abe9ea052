import { readFile } from 'node:fs/promises';
import type { Clock } from '../../common/clock.js';
import { UserError } from '../../common/errors.js';
import type { Log } from '../../common/runtime/log.js';
import { Secret, secretText } from '../../common/secret.js';
import type { TlsConfig, TlsFiles } from '../config.js';
import type { Kept, TlsOptions } from '../ports.js';
import { KeptFile } from './kept.js';

interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
}

/** A secret in a file; undefined without one. What has not the shape it must have is not taken over. */
export function keptSecret<T extends Secret | undefined>(
  file: string | undefined,
  first: T,
  { clock, log, shape = /./ }: Surroundings & { readonly shape?: RegExp },
): Kept<Secret> | Extract<T, undefined> {
  if (file === undefined || first === undefined) return undefined as Extract<T, undefined>;
  return new KeptFile<Secret>({
    first,
    read: async () => {
      const text = secretText(await readFile(file, 'utf8'));
      if (!shape.test(text)) throw new UserError('it holds nothing that can be used');
      return new Secret(text);
    },
    isSame: (a, b) => a.reveal() === b.reveal(),
    clock,
    ...telling(file, log),
  });
}

/** The certificates and the key of TLS. */
export function keptTls({ files, first }: TlsConfig, { clock, log }: Surroundings): Kept<TlsOptions> {
  return new KeptFile({
    first,
    read: async () => ({ ...first, ...(await pemsOf(files)) }),
    isSame: (a, b) => a.ca === b.ca && a.cert === b.cert && a.key?.reveal() === b.key?.reveal(),
    clock,
    ...telling(Object.values(files).join(', '), log),
  });
}

async function pemsOf(files: TlsFiles): Promise<Pick<TlsOptions, 'ca' | 'cert' | 'key'>> {
  const { ca, cert, key } = files;
  return {
    ...(ca === undefined ? {} : { ca: await readFile(ca, 'utf8') }),
    ...(cert === undefined ? {} : { cert: await readFile(cert, 'utf8') }),
    ...(key === undefined ? {} : { key: new Secret(await readFile(key, 'utf8')) }),
  };
}

function telling(what: string, log: Log) {
  return {
    onNews: () => log.info(`${what} was replaced; what it holds now is used`),
    onTrouble: (why: string) => log.warn(`${what} cannot be read again, what it held stays in use: ${why}`),
  };
}
