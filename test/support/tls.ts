import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyMs } from './patience.js';
import type { RealPostgres } from './postgres.js';
import { waitFor } from './wait.js';

/** Lets the server speak TLS with a fresh certificate for these names (`DNS:…`, `IP:…`). Returns that certificate. */
export async function speakTls(server: RealPostgres, names: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-tls-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names.join(',')}`];
  try {
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate], {
      stdio: 'pipe',
    });
    const { uid, gid } = statSync(server.dataDir);
    for (const [from, to] of [
      [key, 'server.key'],
      [certificate, 'server.crt'],
    ] as const) {
      const path = join(server.dataDir, to);
      writeFileSync(path, readFileSync(from));
      chmodSync(path, 0o600);
      chownSync(path, uid, gid);
    }
    await server.query("ALTER SYSTEM SET ssl = 'on'");
    await server.query('SELECT pg_reload_conf()');
    await waitFor('TLS', eventuallyMs, async () => (await server.query('SHOW ssl'))[0]?.[0] === 'on');
    return readFileSync(certificate, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
