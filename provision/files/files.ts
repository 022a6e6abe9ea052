import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxFile, Concern, Owner } from './box-file.js';
import { contextOf } from './context.js';
import { system } from '../site/real-boxes.js';
import { render } from './render.js';
import type { BoxesSite, Site } from '../site/site.js';
import type { Box } from '../topology/topology.js';
import { problemJson, troublesOf } from '../services/troubles.js';
import { isDnsBox } from '../services/units.js';

export type { BoxFile, Concern, Owner } from './box-file.js';

type Settings = Partial<Pick<BoxFile, 'mode' | 'owner' | 'initialOnly' | 'staged'>>;

/** Makes the files of one concern; they belong to root and may be read by all unless told otherwise. */
interface Maker {
  rendered(path: string, template: string, settings?: Settings): BoxFile;
  verbatim(path: string, content: string, settings?: Settings): BoxFile;
  /** 0600: nobody but the owner reads it. */
  secret(path: string, content: string, owner: Owner): BoxFile;
}

/** Every configuration file of one box. Pure but for reading the templates. */
export function filesOf(site: Site, box: Box, templates: string): BoxFile[] {
  const hardening = render(templates, 'hardening.conf.hbs', {});
  const context = { ...contextOf(site, box), hardening };
  const make = (concern: Concern): Maker => {
    const verbatim: Maker['verbatim'] = (path, content, settings = {}) => ({
      path,
      content,
      mode: 0o644,
      owner: 'root',
      concern,
      ...settings,
    });
    return {
      verbatim,
      rendered: (path, template, settings) => verbatim(path, render(templates, template, context), settings),
      secret: (path, content, owner) => verbatim(path, content, { mode: 0o600, owner }),
    };
  };
  const has = (service: Box['services'][number]) => box.services.includes(service);
  return [
    ...(site.kind === 'boxes' ? commonFiles(make('common')) : []),
    ...consulFiles(site, box, make('consul')),
    ...(has('pg') ? postgresFiles(site, box, make('postgres')) : []),
    ...(has('nginx') ? nginxFiles(site, box, make('nginx'), templates) : []),
    ...agentFiles(site, box, make('agent'), templates),
    ...(has('todomvc') ? todomvcFiles(site, box, make('todomvc')) : []),
    ...(site.kind === 'boxes' && isDnsBox(site.topology, box) ? dnsFiles(make('dns')) : []),
  ];
}

const unitFile = (name: string) => join(system.units, name);

function commonFiles({ rendered }: Maker): BoxFile[] {
  return [
    rendered(system.firewall, 'nftables.conf.hbs', { mode: 0o755 }),
    rendered(system.polkitRules, 'polkit.rules.hbs'),
  ];
}

function consulFiles(site: Site, box: Box, { rendered }: Maker): BoxFile[] {
  const config = join(site.pathsOf(box).config, 'consul.json');
  return [
    rendered(config, 'consul.json.hbs', { mode: 0o600, owner: 'consul' }),
    ...(site.kind === 'boxes' ? [rendered(unitFile('consul.service'), 'consul.service.hbs')] : []),
  ];
}

function postgresFiles(site: Site, box: Box, { rendered }: Maker): BoxFile[] {
  const { config, postgresConfig, postgresSettings } = site.pathsOf(box);
  const owner = 'postgres';
  const roles =
    site.kind === 'lab'
      ? rendered(join(config, 'roles.sql'), 'roles.sql.hbs', { mode: 0o600 })
      : rendered('roles.sql', 'roles.sql.hbs', { mode: 0o600, staged: true });
  return [
    rendered(postgresSettings, 'postgres.conf.hbs', { owner }),
    rendered(join(postgresConfig, 'pg_hba.conf'), 'pg_hba.conf.hbs', { mode: 0o640, owner }),
    rendered(join(postgresConfig, 'replication.pgpass'), 'replication.pgpass.hbs', { mode: 0o600, owner }),
    roles,
  ];
}

function nginxFiles(site: Site, box: Box, make: Maker, templates: string): BoxFile[] {
  const { rendered, verbatim } = make;
  const { config, nginxConf, upstreams } = site.pathsOf(box);
  const troubles = troublesOf(site.topology, box).flatMap((trouble) => [
    verbatim(
      join(config, 'trouble', `${trouble.status}.html`),
      render(templates, 'trouble.html.hbs', { trouble }),
    ),
    verbatim(join(config, 'trouble', `${trouble.status}.json`), problemJson(trouble)),
  ]);
  return [
    rendered(nginxConf, 'nginx.conf.hbs'),
    ...troubles,
    rendered(upstreams, 'upstreams.initial.conf.hbs', { owner: 'hotspare', initialOnly: true }),
    ...(site.kind === 'boxes' ? nginxBoxFiles(site, make) : []),
  ];
}

function nginxBoxFiles({ tls }: BoxesSite, { rendered, verbatim, secret }: Maker): BoxFile[] {
  return [
    verbatim(system.tlsCertificate, tls.certificate),
    secret(system.tlsKey, tls.key, 'root'),
    rendered(unitFile('nginx.service.d/hotspare.conf'), 'restart.dropin.conf.hbs'),
  ];
}

function agentFiles(site: Site, box: Box, make: Maker, templates: string): BoxFile[] {
  const { rendered, verbatim, secret } = make;
  const { secrets } = site;
  const inConfig = (name: string) => join(site.pathsOf(box).config, name);
  const files = [
    rendered(inConfig('agent.yaml'), 'agent.yaml.hbs'),
    secret(inConfig('agent.token'), secrets.tokens.agent, 'hotspare'),
  ];
  if (box.services.includes('pg'))
    files.push(secret(inConfig('agent.password'), secrets.passwords.agent, 'hotspare'));
  if (box.services.includes('nginx')) {
    // Rendered later, by the agent, from what Consul says.
    const text = readFileSync(join(templates, 'upstreams.conf.hbs'), 'utf8');
    files.push(verbatim(inConfig('upstreams.conf.hbs'), text));
  }
  if (site.kind === 'lab') return files;
  if (isDnsBox(site.topology, box)) files.push(rendered(inConfig('dns-hosts.hbs'), 'dns-hosts.hbs.hbs'));
  return [
    ...files,
    secret(inConfig('http.secret'), secrets.http, 'hotspare'),
    rendered(unitFile('hotspare-agent.service'), 'hotspare-agent.service.hbs'),
  ];
}

function todomvcFiles(site: Site, box: Box, { rendered, secret }: Maker): BoxFile[] {
  const { secrets } = site;
  const inConfig = (name: string) => join(site.pathsOf(box).config, name);
  return [
    secret(inConfig('app.token'), secrets.tokens.app, 'todomvc'),
    secret(inConfig('app.password'), secrets.passwords.app, 'todomvc'),
    secret(inConfig('migration.password'), secrets.passwords.migration, 'todomvc'),
    rendered(inConfig('todomvc.env'), 'todomvc.env.hbs'),
    ...(site.kind === 'boxes' ? [rendered(unitFile('todomvc.service'), 'todomvc.service.hbs')] : []),
  ];
}

function dnsFiles({ rendered }: Maker): BoxFile[] {
  return [
    rendered(system.dnsmasqConf, 'dnsmasq.conf.hbs'),
    rendered(system.dnsHosts, 'dns-hosts.initial.hbs', { owner: 'hotspare', initialOnly: true }),
    rendered(unitFile('dnsmasq.service.d/hotspare.conf'), 'restart.dropin.conf.hbs'),
  ];
}
