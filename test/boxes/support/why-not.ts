import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { lxcImage } from '../../../provision/site/programs.js';

/** Vagrant's own folder: where its boxes lie. */
export const vagrantHome = process.env['VAGRANT_HOME'] ?? join(homedir(), '.vagrant.d');

const install = 'npx hotspare setup --for-boxes';

/** Why the boxes cannot be made here, with what would mend it; undefined when they can. */
export function whyNoBoxes(): string | undefined {
  if (process.platform !== 'linux') return 'boxes of LXC need Linux';
  if (process.getuid?.() !== 0) return 'boxes of LXC need root: sudo npm run test:boxes';
  for (const program of ['vagrant', 'lxc-start', 'ip']) {
    if (spawnSync(program, ['--version']).error) return `${program} is not installed: ${install}`;
  }
  if (!existsSync(join(vagrantHome, 'boxes', lxcImage.replace('/', '-VAGRANTSLASH-'))))
    return `the box ${lxcImage} is not built: vagrant/build-lxc-box`;
  return whyNoBridge();
}

/** A sandbox may have root and no way to make interfaces. */
function whyNoBridge(): string | undefined {
  const made = spawnSync('ip', ['link', 'add', 'name', 'hst-probe', 'type', 'bridge'], { encoding: 'utf8' });
  if (made.status !== 0)
    return `this machine lets nobody make a bridge (${made.stderr.trim()}): use one that does`;
  spawnSync('ip', ['link', 'delete', 'hst-probe']);
  return undefined;
}
