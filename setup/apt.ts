import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mustRun, runCommand } from '../common/runtime/machine/command.js';

const policyFile = '/usr/sbin/policy-rc.d';
const policy = `#!/bin/sh
# Put here by "hotspare setup" while it installs packages: their services must not start by themselves.
exit 101
`;
/** Services whose packages enable them; the lab runs its own, and the boxes' bridge has no use for LXC's. */
const services = ['nginx', 'postgresql', 'consul', 'lxc', 'lxc-net', 'patroni', 'pgbouncer'];
const aptTimeoutMs = 600_000;

export async function refreshLists(): Promise<void> {
  await mustRun('apt-get', ['update', '-q'], { timeoutMs: aptTimeoutMs });
}

/** Whether the configured archive has a package of that name. */
export async function hasCandidate(name: string): Promise<boolean> {
  const { stdout } = await runCommand('apt-cache', ['policy', name]);
  const candidate = /Candidate: (\S+)/.exec(stdout)?.[1];
  return candidate !== undefined && candidate !== '(none)';
}

/** Installs names or .deb files without starting what they bring. */
export async function aptInstall(packages: readonly string[]): Promise<void> {
  const installedBefore = new Set(services.filter(isKnownService));
  const ownPolicy = forbidServiceStarts();
  try {
    await mustRun('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
      timeoutMs: aptTimeoutMs,
      environment: { DEBIAN_FRONTEND: 'noninteractive' },
    });
  } finally {
    if (ownPolicy) rmSync(policyFile, { force: true });
  }
  // What was there before is its owner's business.
  for (const service of services.filter((name) => !installedBefore.has(name) && isKnownService(name))) {
    if (existsSync('/usr/bin/systemctl')) await runCommand('systemctl', ['disable', service]);
    else await runCommand('update-rc.d', [service, 'disable']);
  }
}

/** Returns whether the policy is ours to remove. One left by an install that was killed is ours too. */
function forbidServiceStarts(): boolean {
  // No cluster of its own either, when PostgreSQL comes for the first time.
  const clusterSettings = '/etc/postgresql-common/createcluster.d';
  if (!existsSync('/etc/postgresql-common')) {
    mkdirSync(clusterSettings, { recursive: true });
    writeFileSync(
      `${clusterSettings}/hotspare.conf`,
      '# Written by "hotspare setup": the lab makes its own clusters.\ncreate_main_cluster = false\n',
    );
  }
  if (existsSync(policyFile)) return readFileSync(policyFile, 'utf8') === policy;
  writeFileSync(policyFile, policy, { mode: 0o755 });
  return true;
}

function isKnownService(name: string): boolean {
  return ['/etc/init.d', '/lib/systemd/system', '/usr/lib/systemd/system'].some(
    (folder) => existsSync(`${folder}/${name}`) || existsSync(`${folder}/${name}.service`),
  );
}
