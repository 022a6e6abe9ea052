import { existsSync } from 'node:fs';
import { UserError } from '../common/errors.js';
import { findBinaries, isExecutable, minimumPostgresMajor } from '../common/runtime/machine/binaries.js';
import { aptInstall, hasCandidate, refreshLists } from './apt.js';
import { downloadConsul } from './consul-package.js';

const apt = '/usr/bin/apt-get';

/** A program this machine lacks, and the Debian package that brings it. */
export interface MissingPackage {
  readonly program: string;
  readonly package: string;
}

/** What else than the lab is to work on this machine. */
export interface Purposes {
  /** The browser of the page tests; Patroni, where root asks. */
  readonly forTests?: boolean;
  /** Vagrant with containers, and what their box is built with. */
  readonly forBoxes?: boolean;
}

interface Program extends MissingPackage {
  readonly for?: keyof Purposes;
  readonly isThere: () => boolean;
}

const inPath = (name: string) =>
  ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) =>
    isExecutable(`${folder}/${name}`),
  );

const programs: readonly Program[] = [
  { program: 'Consul', package: 'consul', isThere: () => findBinaries().consul !== undefined },
  {
    program: `PostgreSQL ${minimumPostgresMajor} or newer`,
    package: 'postgresql',
    isThere: () => findBinaries().postgresBin !== undefined,
  },
  { program: 'nginx', package: 'nginx', isThere: () => findBinaries().nginx !== undefined },
  {
    program: 'Chromium (tests of the page)',
    package: 'chromium',
    for: 'forTests',
    isThere: () => isExecutable('/usr/bin/chromium'),
  },
  {
    program: 'Patroni (tests beside it)',
    package: 'patroni',
    for: 'forTests',
    // Tests that need it say so and skip: nobody is stopped for want of it, or asked for a password.
    isThere: () => isExecutable('/usr/bin/patroni') || process.getuid?.() !== 0 || !isExecutable(apt),
  },
  {
    program: 'PgBouncer (tests behind it)',
    package: 'pgbouncer',
    for: 'forTests',
    // As with Patroni.
    isThere: () => isExecutable('/usr/sbin/pgbouncer') || process.getuid?.() !== 0 || !isExecutable(apt),
  },
  { program: 'Vagrant', package: 'vagrant', for: 'forBoxes', isThere: () => inPath('vagrant') },
  {
    program: "LXC and Vagrant's plugin for it",
    package: 'vagrant-lxc',
    for: 'forBoxes',
    isThere: () => inPath('lxc-start') && existsSync('/usr/share/vagrant-plugins/plugins.d/vagrant-lxc.json'),
  },
  { program: 'mmdebstrap', package: 'mmdebstrap', for: 'forBoxes', isThere: () => inPath('mmdebstrap') },
  { program: 'zstd', package: 'zstd', for: 'forBoxes', isThere: () => inPath('zstd') },
  { program: 'OpenSSL', package: 'openssl', for: 'forBoxes', isThere: () => inPath('openssl') },
];

/** What the lab needs, and whatever else is meant to work, and this machine has not. */
export function missingPackages(purposes: Purposes = {}): MissingPackage[] {
  return programs.filter((one) => (one.for === undefined || purposes[one.for] === true) && !one.isThere());
}

/** Installs the packages from the distribution's archive, as root; none of their services is left started or enabled. */
export async function installMissing(
  missing: readonly MissingPackage[],
  note: (text: string) => void,
): Promise<void> {
  if (missing.length === 0) return;
  if (!isExecutable(apt)) {
    throw new UserError(
      `this machine has no apt-get; install these with its own package manager: ${missing.map(({ program }) => program).join(', ')}`,
    );
  }
  note('refresh the package lists');
  await refreshLists();
  const packages: string[] = [];
  for (const { package: name } of missing) {
    if (name === 'consul' && !(await hasCandidate('consul'))) {
      note('fetch consul (this release has none; an earlier one of the same archive has)');
      packages.push(await downloadConsul());
    } else if (name === 'patroni') {
      if (await hasCandidate(name)) packages.push(name, 'python3-consul');
      else note('leave Patroni out (this release has none)');
    } else {
      packages.push(name);
    }
  }
  if (packages.length === 0) return;
  note(`install ${missing.map(({ package: name }) => name).join(', ')}`);
  await aptInstall(packages);
  const names = packages.map((name) => (name.endsWith('.deb') ? 'consul' : name));
  const still = programs.filter((one) => names.includes(one.package) && !one.isThere());
  if (still.length > 0) {
    throw new UserError(
      `apt-get installed its packages, but these are still missing: ${still.map(({ program }) => program).join(', ')}`,
    );
  }
}
