import { expect, test } from 'vitest';
import { parseTopology } from '../../../provision/topology/topology.js';
import { welcomeText } from '../../../vagrant/settle/welcome.js';
import { realSite, topology } from '../../provision/sites.js';

test('the shipped topology: what there is to try, and where', () => {
  const text = welcomeText(realSite, '/project/backups');
  expect(text).toContain('vagrant ssh nginx1 -c "sudo service todomvc stop"');
  expect(text).toContain('served by nginx2; "start"');
  expect(text).toContain('vagrant ssh pg1 -c "sudo service postgresql stop"');
  expect(text).toContain('kept in /project/backups)');
});

test('other names: no box is named that does not exist', () => {
  const data = {
    groups: [
      { name: 'db', count: 1, firstHost: 11, consulServers: 1, services: ['pg'] },
      { name: 'web', count: 1, firstHost: 21, consulServers: 0, services: ['nginx', 'todomvc'] },
    ],
    subnets: topology.subnets,
    postgres: { firstPrimary: 'db1', policy: { roles: 'observe', promotion: 'manual', durability: 'async' } },
    locations: topology.locations,
    dns: { box: 'web1', name: 'todo.example.test' },
    virtualbox: topology.virtualbox,
    lxc: topology.lxc,
  };
  const text = welcomeText({ ...realSite, topology: parseTopology('t', data) }, '/dumps');
  expect([...text.matchAll(/vagrant ssh (\S+)/g)].map(([, name]) => name)).toEqual([
    'web1',
    'db1',
    'db1',
    'web1',
  ]);
  expect(text).toContain('the page says that no web app runs');
});
