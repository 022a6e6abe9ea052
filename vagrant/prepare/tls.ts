import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError, UserError } from '../../common/errors.js';
import { mustRun } from '../../common/runtime/machine/command.js';
import { keptFiles, readKept } from '../kept-tls.js';
import { privateFolder } from '../state.js';
import { readPair, type Pair } from '../tls-pair.js';
import { moveDurably } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';

/** PEM texts. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate made here is good for. */
export interface Names {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface Wish {
  /** Where certificates are kept. */
  readonly folder: string;
  readonly names: Names;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths in the environment begin here. */
  readonly relativeTo: string;
  readonly nowMs: number;
}

const validDays = 397;

/**
 * What nginx shows: the certificate of HOTSPARE_TLS_CERT and HOTSPARE_TLS_KEY, from then on the one given last, and
 * until one was given one that was made here and is signed by itself. Throws ConfigError when a given one is unusable,
 * UserError when one that is kept is.
 */
export async function certificateFor(wish: Wish): Promise<Certificate> {
  const { nowMs } = wish;
  const folder = privateFolder(wish.folder);
  const given = await givenCertificate(wish);
  if (given) {
    const files = keptFiles(folder, 'given');
    keep(files.key, given.key);
    keep(files.certificate, given.certificate);
    return given;
  }
  const kept = await readKept(folder, 'given', nowMs);
  if (kept.state === 'broken')
    throw new UserError(
      `the certificate given earlier cannot be used (${kept.why}). Give it again with HOTSPARE_TLS_CERT and HOTSPARE_TLS_KEY, or remove ${join(folder, 'given-*.pem')}`,
    );
  return kept.state === 'kept' ? pemOf(kept.pair) : ownCertificate(folder, wish);
}

const variables = { certificate: 'HOTSPARE_TLS_CERT', key: 'HOTSPARE_TLS_KEY' } as const;

async function givenCertificate({ environment, relativeTo, nowMs }: Wish): Promise<Certificate | undefined> {
  const [certificate, key] = [environment[variables.certificate], environment[variables.key]];
  if (!certificate && !key) return undefined;
  const refuse = (variable: keyof typeof variables, expected: string) =>
    new ConfigError('the environment', variables[variable], environment[variables[variable]], expected);
  const together = 'a PEM file: the certificate and its key are given together';
  if (!certificate) throw refuse('certificate', together);
  if (!key) throw refuse('key', together);
  const files = { certificate: resolve(relativeTo, certificate), key: resolve(relativeTo, key) };
  const pair = await readPair(files, nowMs);
  if (pair.state === 'unusable')
    throw pair.which === 'certificate'
      ? refuse('certificate', `a PEM certificate (${pair.why})`)
      : refuse('key', `a PEM private key without a passphrase (${pair.why})`);
  if (!pair.match) throw refuse('key', 'the private key of HOTSPARE_TLS_CERT');
  return pemOf(pair);
}

/** Kept, and made anew when its names or its time no longer fit, or its halves do not belong together. */
async function ownCertificate(folder: string, { names, nowMs }: Wish): Promise<Certificate> {
  const present = await readKept(folder, 'own', nowMs);
  if (present.state === 'kept' && fits(present.pair, names)) return pemOf(present.pair);
  const files = keptFiles(folder, 'own');
  const work = mkdtempSync(join(folder, 'making-'));
  try {
    const made = keptFiles(work, 'own');
    const good = [`DNS:${names.name}`, ...names.addresses.map((address) => `IP:${address}`)].join(',');
    await mustRun('openssl', [
      ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-sha256'],
      ...['-days', String(validDays), '-subj', `/CN=${names.name}`, '-addext', `subjectAltName=${good}`],
      ...['-keyout', made.key, '-out', made.certificate],
    ]);
    chmodSync(made.key, 0o600);
    const pair = await readPair(made, nowMs);
    if (pair.state === 'unusable') throw new Error(`openssl left no certificate: ${pair.why}`);
    moveDurably(made.key, files.key);
    moveDurably(made.certificate, files.certificate);
    return pemOf(pair);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type ReadPair = Extract<Pair, { state: 'read' }>;

function fits({ parsed, validity }: ReadPair, wanted: Names): boolean {
  return (
    validity === 'good' &&
    parsed.checkHost(wanted.name) !== undefined &&
    wanted.addresses.every((address) => parsed.checkIP(address) !== undefined)
  );
}

const pemOf = ({ certificate, key }: ReadPair): Certificate => ({ certificate, key });

function keep(file: string, content: string): void {
  writeDurably(file, content);
}
