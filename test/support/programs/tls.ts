import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyMs } from '../patience.js';
import type { RealPostgres } from '../postgres.js';
import { waitFor } from '../wait.js';

export interface Certified {
  readonly key: string;
  readonly certificate: string;
}

/** A fresh key and a certificate for these names (`DNS:…`, `IP:…`), signed by itself. */
export function certify(names: readonly string[]): Certified {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-tls-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names.join(',')}`];
  try {
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate], {
      stdio: 'pipe',
    });
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets the server speak TLS with a fresh certificate for these names (`DNS:…`, `IP:…`). Returns that certificate. */
export async function speakTls(server: RealPostgres, names: readonly string[]): Promise<string> {
  const { key, certificate } = certify(names);
  const { uid, gid } = statSync(server.dataDir);
  for (const [text, to] of [
    [key, 'server.key'],
    [certificate, 'server.crt'],
  ] as const) {
    const path = join(server.dataDir, to);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    chownSync(path, uid, gid);
  }
  await server.query("ALTER SYSTEM SET ssl = 'on'");
  await server.query('SELECT pg_reload_conf()');
  await waitFor('TLS', eventuallyMs, async () => (await server.query('SHOW ssl'))[0]?.[0] === 'on');
  return certificate;
}
