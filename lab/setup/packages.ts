import { UserError } from '../../common/errors.js';
import { findBinaries, isExecutable, minimumPostgresMajor } from '../../common/runtime/binaries.js';
import { aptInstall, hasCandidate, refreshLists } from './apt.js';
import { downloadConsul } from './consul-package.js';

/** A program this machine lacks, and the Debian package that brings it. */
export interface MissingPackage {
  readonly program: string;
  readonly package: 'consul' | 'postgresql' | 'nginx' | 'chromium';
}

/** What the lab needs and this machine has not; `forTests` adds the browser of the page tests. */
export function missingPackages(forTests = false): MissingPackage[] {
  const found = findBinaries();
  const missing: MissingPackage[] = [];
  if (!found.consul) missing.push({ program: 'Consul', package: 'consul' });
  if (!found.postgresBin)
    missing.push({ program: `PostgreSQL ${minimumPostgresMajor} or newer`, package: 'postgresql' });
  if (!found.nginx) missing.push({ program: 'nginx', package: 'nginx' });
  if (forTests && !isExecutable('/usr/bin/chromium'))
    missing.push({ program: 'Chromium (tests of the page)', package: 'chromium' });
  return missing;
}

/** Installs the packages from the distribution's archive, as root; none of their services is left started or enabled. */
export async function installMissing(
  missing: readonly MissingPackage[],
  note: (text: string) => void,
): Promise<void> {
  if (missing.length === 0) return;
  if (!isExecutable('/usr/bin/apt-get')) {
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
    } else {
      packages.push(name);
    }
  }
  note(`install ${missing.map(({ package: name }) => name).join(', ')}`);
  await aptInstall(packages);
  const still = missingPackages().filter(({ package: name }) => missing.some((one) => one.package === name));
  if (still.length > 0) {
    throw new UserError(
      `apt-get installed its packages, but these are still missing: ${still.map(({ program }) => program).join(', ')}`,
    );
  }
}
