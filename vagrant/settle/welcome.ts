import { consulUrl, todoUrls } from '../../provision/site/health.js';
import { firstPrimaryOf } from '../../provision/postgres/members.js';
import { addressOf, type Site } from '../../provision/site/site.js';
import { boxesWith } from '../../provision/topology/topology.js';
import { adminOf } from './settle.js';

/** What a person sees when all boxes are up. `backups` is where dumps go. */
export function welcomeText(site: Site, backups: string): string {
  const [first = '', ...others] = todoUrls(site);
  const admin = adminOf(site);
  const tries = [
    ...webTries(site),
    ...postgresTries(site),
    [`vagrant ssh ${admin.name} -c "hotspare status"`, 'who is primary, who follows, how far behind'],
    [`dig @${addressOf(site, admin)} ${site.topology.dns.name} +short`, 'the balancers that are healthy now'],
  ] as const;
  const width = Math.max(...tries.map(([text]) => text.length));
  return `
  todo list   ${first}   (or https, where the browser will ask about the certificate unless you gave one)
${others.map((url) => `              ${url}   the same list through another load balancer\n`).join('')}\
  Consul UI   ${consulUrl(site, admin)}/ui

  Things to try
${tries.map(([text, what]) => `    ${text.padEnd(width)}   ${what}`).join('\n')}

  Stop: vagrant halt. Remove: vagrant destroy (a dump of the database is kept in ${backups}).
`;
}

type Try = readonly [command: string, what: string];

function webTries({ topology }: Site): Try[] {
  const [app, ...others] = boxesWith(topology, 'todomvc').map(({ name }) => name);
  if (app === undefined) return [];
  const what =
    others.length === 0
      ? 'the page says that no web app runs'
      : `every page goes on, served by ${others.join(', ')}`;
  return [[`vagrant ssh ${app} -c "sudo service todomvc stop"`, `${what}; "start" brings it back`]];
}

function postgresTries({ topology }: Site): Try[] {
  const { name } = firstPrimaryOf(topology);
  return [
    [
      `vagrant ssh ${name} -c "sudo service postgresql stop"`,
      `if ${name} is the primary, the page turns read-only at once`,
    ],
    [`vagrant ssh ${name} -c "sudo service postgresql start"`, '… and back'],
  ];
}
