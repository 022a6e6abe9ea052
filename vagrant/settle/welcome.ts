import { consulUrl, todoUrls } from '../../provision/health.js';
import { addressOf, type Site } from '../../provision/site.js';
import { adminOf } from './settle.js';

/** What a person sees when all boxes are up. */
export function welcomeText(site: Site): string {
  const [first = '', ...others] = todoUrls(site);
  const admin = adminOf(site);
  const tries: [string, string][] = [
    [
      'vagrant ssh nginx1 -c "sudo service todomvc stop"',
      'both pages go on, served by nginx2; "start" brings it back',
    ],
    ['vagrant ssh pg1 -c "sudo service postgresql stop"', 'the page turns read-only at once'],
    ['vagrant ssh pg1 -c "sudo service postgresql start"', '… and back'],
    [`vagrant ssh ${admin.name} -c "hotspare status"`, 'who is primary, who follows, how far behind'],
    [`dig @${addressOf(site, admin)} ${site.topology.dns.name} +short`, 'the balancers that are healthy now'],
  ];
  const width = Math.max(...tries.map(([text]) => text.length));
  return `
  todo list   ${first}   (or https, where the browser will ask about the certificate unless you gave one)
${others.map((url) => `              ${url}   the same list through another load balancer\n`).join('')}\
  Consul UI   ${consulUrl(site, admin)}/ui

  Things to try
${tries.map(([text, what]) => `    ${text.padEnd(width)}   ${what}`).join('\n')}

  Stop: vagrant halt. Remove: vagrant destroy (a dump of the database is kept in backups/).
`;
}
