import { expect, test } from 'vitest';
import { managementCidrs } from '../../vagrant/open.js';

test.each([
  ['lxc', null, ['192.168.11.1/32']],
  ['virtualbox', null, ['192.168.11.1/32', '10.0.2.2/32']],
  ['lxc', '10.0.0.0/8', ['192.168.11.1/32', '10.0.0.0/8']],
  ['virtualbox', '10.0.0.0/8', ['192.168.11.1/32', '10.0.2.2/32', '10.0.0.0/8']],
] as const)('%s, managementCidr %s: the host always gets in', (provider, managementCidr, expected) => {
  expect(managementCidrs({ managementCidr }, { subnet: '192.168.11', provider })).toEqual(expected);
});
