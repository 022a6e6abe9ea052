import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, messageOf } from '../../common/errors.js';
import { mustRun } from '../../common/runtime/command.js';
import { privateFolder } from '../state.js';

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

const validDays = 397;
const renewBeforeMs = 30 * 24 * 60 * 60 * 1000;

/**
 * What nginx shows: the certificate of HOTSPARE_TLS_CERT and HOTSPARE_TLS_KEY, from then on the one given last, and
 * until one was given one that was made here and is signed by itself. Throws ConfigError when a given one is unusable.
 */
export async function certificateFor(
  folder: string,
  wanted: Names,
  environment: NodeJS.ProcessEnv,
  nowMs: number,
): Promise<Certificate> {
  privateFolder(folder);
  const keptIn = filesOf(folder, 'given');
  const given = givenCertificate(environment);
  if (given) {
    keep(keptIn.key, given.key);
    keep(keptIn.certificate, given.certificate);
    return given;
  }
  return read(keptIn) ?? ownCertificate(folder, wanted, nowMs);
}

const variables = ['HOTSPARE_TLS_CERT', 'HOTSPARE_TLS_KEY'] as const;

function givenCertificate(environment: NodeJS.ProcessEnv): Certificate | undefined {
  if (variables.every((variable) => !environment[variable])) return undefined;
  const refuse = (variable: (typeof variables)[number], expected: string): never => {
    throw new ConfigError('the environment', variable, environment[variable], expected);
  };
  const [certificate = '', key = ''] = variables.map((variable) => {
    const file = environment[variable];
    if (!file) return refuse(variable, 'a PEM file: the certificate and its key are given together');
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      return refuse(variable, `a readable PEM file (${messageOf(error)})`);
    }
  });
  const parsed = orUndefined(() => new X509Certificate(certificate));
  const parsedKey = orUndefined(() => createPrivateKey(key));
  if (!parsed) return refuse('HOTSPARE_TLS_CERT', 'a PEM certificate');
  if (!parsedKey) return refuse('HOTSPARE_TLS_KEY', 'a PEM private key without a passphrase');
  if (!parsed.checkPrivateKey(parsedKey))
    return refuse('HOTSPARE_TLS_KEY', 'the private key of HOTSPARE_TLS_CERT');
  return { certificate, key };
}

/** Kept, and made anew when its names or its time no longer fit. */
async function ownCertificate(folder: string, wanted: Names, nowMs: number): Promise<Certificate> {
  const files = filesOf(folder, 'own');
  const present = read(files);
  if (present && fits(present.certificate, wanted, nowMs)) return present;
  const names = [`DNS:${wanted.name}`, ...wanted.addresses.map((address) => `IP:${address}`)].join(',');
  const unfinished = filesOf(folder, 'unfinished');
  await mustRun('openssl', [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-sha256'],
    ...['-days', String(validDays), '-subj', `/CN=${wanted.name}`, '-addext', `subjectAltName=${names}`],
    ...['-keyout', unfinished.key, '-out', unfinished.certificate],
  ]);
  chmodSync(unfinished.key, 0o600);
  renameSync(unfinished.key, files.key);
  renameSync(unfinished.certificate, files.certificate);
  const made = read(files);
  if (!made) throw new Error(`openssl left no certificate in ${folder}`);
  return made;
}

function fits(pem: string, wanted: Names, nowMs: number): boolean {
  const certificate = orUndefined(() => new X509Certificate(pem));
  return (
    certificate !== undefined &&
    certificate.checkHost(wanted.name) !== undefined &&
    wanted.addresses.every((address) => certificate.checkIP(address) !== undefined) &&
    Date.parse(certificate.validTo) - nowMs > renewBeforeMs
  );
}

function filesOf(folder: string, kind: 'given' | 'own' | 'unfinished') {
  return { certificate: join(folder, `${kind}-cert.pem`), key: join(folder, `${kind}-key.pem`) };
}

function read(files: ReturnType<typeof filesOf>): Certificate | undefined {
  if (!existsSync(files.certificate) || !existsSync(files.key)) return undefined;
  return { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
}

function keep(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
