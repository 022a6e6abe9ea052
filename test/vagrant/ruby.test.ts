import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boxNames } from '../../vagrant/boxes.js';

const text = (file: string) => readFileSync(`vagrant/${file}`, 'utf8');

// Ruby and shell cannot import these, so they have them again.
test('the Vagrantfile and the scripts use the boxes the checks are about', () => {
  const providers = text('ruby/providers.rb');
  for (const name of Object.values(boxNames)) expect(providers).toContain(`vm.box = "${name}"`);
  expect(text('build-lxc-box')).toContain(`box=${boxNames.lxc} `);
});
