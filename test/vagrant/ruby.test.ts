import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boxNames, memoryPerBoxMb } from '../../vagrant/boxes.js';
import { defaultBridge } from '../../vagrant/preflight/model.js';

const text = (file: string) => readFileSync(`vagrant/${file}`, 'utf8');

// Ruby and shell cannot import these, so they have them again.
test('the Vagrantfile and the scripts use the boxes, the memory and the bridge the checks are about', () => {
  const providers = text('ruby/providers.rb');
  expect(providers).toContain(`MEMORY_MB = ${memoryPerBoxMb.virtualbox}\n`);
  for (const name of Object.values(boxNames)) expect(providers).toContain(`vm.box = "${name}"`);
  expect(text('ruby/settings.rb')).toContain(`"bridge", "${defaultBridge}"`);
  expect(text('lxc-bridge')).toContain(`:-${defaultBridge}}`);
  expect(text('build-lxc-box')).toContain(`box=${boxNames.lxc} `);
});
