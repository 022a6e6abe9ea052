import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { render } from './render.js';
import { addressOf, portOf, type Site } from './site.js';
import { boxesWith, type Box } from './topology.js';
import { problemJson, troublesOf } from './troubles.js';

/** A file that must be on a box, whole. */
export interface BoxFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly owner: 'caller' | 'postgres';
  /** Written only when absent: somebody else (the agent) keeps it afterwards. */
  readonly initialOnly?: true;
}

/** Every configuration file of one box. Pure but for reading the templates. */
export function filesOf(site: Site, box: Box, templates: string): BoxFile[] {
  const paths = site.pathsOf(box);
  const context = contextOf(site, box);
  const file = (
    path: string,
    template: string,
    mode = 0o644,
    owner: BoxFile['owner'] = 'caller',
  ): BoxFile => ({
    path,
    content: render(templates, template, context),
    mode,
    owner,
  });
  const secret = (name: string, content: string, owner: BoxFile['owner'] = 'caller'): BoxFile => ({
    path: join(paths.config, name),
    content,
    mode: 0o600,
    owner,
  });
  const files = [
    file(join(paths.config, 'consul.json'), 'consul.json.hbs', 0o600),
    file(join(paths.config, 'agent.yaml'), 'agent.yaml.hbs'),
    secret('agent.token', site.secrets.tokens.agent),
  ];
  if (box.services.includes('pg')) {
    files.push(
      secret('agent.password', site.secrets.passwords.agent),
      file(join(paths.config, 'postgres', 'hotspare.conf'), 'postgres.conf.hbs', 0o644, 'postgres'),
      file(join(paths.config, 'postgres', 'pg_hba.conf'), 'pg_hba.conf.hbs', 0o600, 'postgres'),
      file(join(paths.config, 'postgres', 'replication.pgpass'), 'replication.pgpass.hbs', 0o600, 'postgres'),
      file(join(paths.config, 'roles.sql'), 'roles.sql.hbs', 0o600),
    );
  }
  if (box.services.includes('nginx')) {
    files.push(
      file(join(paths.config, 'nginx.conf'), 'nginx.conf.hbs'),
      ...troubleFiles(templates, join(paths.config, 'trouble'), box),
      // Rendered later, by the agent, from what Consul says.
      verbatim(join(paths.config, 'upstreams.conf.hbs'), join(templates, 'upstreams.conf.hbs')),
      { ...file(join(paths.nginxState, 'upstreams.conf'), 'upstreams.initial.conf.hbs'), initialOnly: true },
    );
  }
  if (box.services.includes('todomvc')) {
    files.push(
      secret('app.token', site.secrets.tokens.app),
      secret('app.password', site.secrets.passwords.app),
      secret('migration.password', site.secrets.passwords.migration),
      file(join(paths.config, 'todomvc.env'), 'todomvc.env.hbs'),
    );
  }
  return files;
}

/** Per trouble a page and a problem document, named after the status. */
function troubleFiles(templates: string, folder: string, box: Box): BoxFile[] {
  return troublesOf(box).flatMap((trouble): BoxFile[] => [
    {
      path: join(folder, `${trouble.status}.html`),
      content: render(templates, 'trouble.html.hbs', { trouble }),
      mode: 0o644,
      owner: 'caller',
    },
    {
      path: join(folder, `${trouble.status}.json`),
      content: problemJson(trouble),
      mode: 0o644,
      owner: 'caller',
    },
  ]);
}

function verbatim(path: string, source: string): BoxFile {
  return { path, content: readFileSync(source, 'utf8'), mode: 0o644, owner: 'caller' };
}

/** What every template may use. */
function contextOf(site: Site, box: Box): object {
  const { topology } = site;
  const member = (other: Box) => ({ name: other.name, address: addressOf(site, other) });
  const servers = topology.boxes.filter((other) => other.consul === 'server');
  const members = boxesWith(topology, 'pg');
  const primary = members.find((other) => other.name === topology.postgres.firstPrimary) ?? members[0];
  return {
    box: { name: box.name, address: addressOf(site, box), isConsulServer: box.consul === 'server' },
    has: Object.fromEntries(
      ['nginx', 'todomvc', 'pg'].map((name) => [name, box.services.includes(name as never)]),
    ),
    port: {
      consulServer: portOf(site, 'consulServer'),
      consulSerf: portOf(site, 'consulSerf'),
      consulHttp: portOf(site, 'consulHttp'),
      consulDns: portOf(site, 'consulDns'),
      postgres: portOf(site, 'postgres'),
      agentHttp: portOf(site, 'agentHttp'),
      todomvc: portOf(site, 'todomvc'),
      web: portOf(site, 'web'),
    },
    path: site.pathsOf(box),
    binary: site.binaries,
    secret: site.secrets,
    clientNetwork: site.clientNetwork,
    nginxUser: site.nginxUser ?? '',
    locations: topology.locations.map(({ path, service, balance }) => ({
      path,
      upstream: `${service}-${balance}`,
    })),
    consulServers: servers.map(member),
    postgresMembers: members.map(member),
    primary: primary ? member(primary) : undefined,
  };
}
