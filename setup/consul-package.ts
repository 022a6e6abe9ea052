import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../common/errors.js';
import { mustRun, runCommand } from '../common/runtime/machine/command.js';

/** The last Debian release with a consul package. */
const release = 'bullseye';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const elsewhere =
  'install it from HashiCorp (https://developer.hashicorp.com/consul/install) and run this again';

/**
 * Fetches the consul package of an earlier Debian release from the archive this machine already uses, checked against
 * Debian's key, without adding a source to the machine. Resolves with the .deb file.
 */
export async function downloadConsul(): Promise<string> {
  const archive = await debianArchive();
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-consul-package-'));
  // apt fetches as its own user.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${archive} ${release} main\n`);
  const apart = [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(folder, 'lists')}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await mustRun('apt-get', [...apart, 'update', '-q'], { timeoutMs: 300_000 });
  await mustRun('apt-get', [...apart, 'download', '-q', 'consul'], {
    workingDirectory: folder,
    timeoutMs: 300_000,
  });
  const file = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (file === undefined)
    throw new UserError(`the archive's ${release} gave no consul package; ${elsewhere}`);
  return join(folder, file);
}

/** Where this machine gets its Debian packages from. */
async function debianArchive(): Promise<string> {
  const { stdout } = await runCommand('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(CODENAME)',
    'Created-By: Packages',
  ]);
  const lines = stdout.split('\n').map((line) => line.split(' '));
  const main = lines.find(
    ([, origin, component, codename]) =>
      origin === 'Debian' && component === 'main' && codename !== undefined && !codename.includes('-'),
  );
  if (!main?.[0]) throw new UserError(`this distribution has no consul package; ${elsewhere}`);
  return main[0];
}
