import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { aclOf } from '../../provision/consul/acl.js';
import { filesOf } from '../../provision/files/files.js';
import type { LabSite } from '../../provision/site/site.js';
import { fileOf, labSite as site, templates, topology } from './sites.js';

const file = (box: string, ending: string) => fileOf(site, box, ending);

describe('files of the lab', () => {
  test('Consul: a server expects all servers, every box joins them on moved ports', () => {
    const server = JSON.parse(file('adm1', 'consul.json').content) as Record<string, unknown>;
    const client = JSON.parse(file('pg2', 'consul.json').content) as Record<string, unknown>;
    expect(server['bootstrap_expect']).toBe(3);
    expect(client).not.toHaveProperty('bootstrap_expect');
    expect(client['retry_join']).toEqual(['10.1.2.5:8308', '10.1.2.11:8308', '10.1.2.21:8308']);
    expect(client['acl']).toMatchObject({ default_policy: 'deny' });
  });

  test.each([...topology.boxes])('$name: the agent has the services of the box', ({ name, services }) => {
    const config = parse(file(name, 'agent.yaml').content) as { services: { name: string }[] };
    expect(config.services.map((service) => service.name).sort()).toEqual([...services].sort());
  });

  test('nginx: the command that reloads it is the agent template command', () => {
    const config = parse(file('nginx1', 'agent.yaml').content) as { templates: { command: string[] }[] };
    expect(config.templates[0]?.command).toEqual([
      '/bin/nginx',
      '-p',
      '/nginx1/nginx',
      '-c',
      '/nginx1/etc/nginx.conf',
      '-s',
      'reload',
    ]);
  });

  test('nginx: every location has its event stream and its way of balancing', () => {
    const hashed: LabSite = {
      ...site,
      topology: { ...topology, locations: [{ path: '/app', service: 'todomvc', balance: 'uri-hash' }] },
    };
    const text = fileOf(hashed, 'nginx1', 'nginx.conf').content;
    expect(text).toContain('location /app {\n      proxy_pass http://todomvc-uri-hash;');
    expect(text).toContain('location /app/events {');
  });

  test.each([502, 504])('nginx: %i has a page and a problem document that say the same', (status) => {
    const document = JSON.parse(file('nginx2', `trouble/${status}.json`).content) as Record<string, unknown>;
    expect(document).toMatchObject({
      status,
      type: expect.stringMatching(/^urn:hotspare:problem:/) as string,
    });
    const page = file('nginx2', `trouble/${status}.html`).content;
    expect(page).toContain(document['title']);
    expect(page).toContain(document['detail']);
    expect(page).toContain('nginx2');
  });

  test('secrets stand only in files of mode 0600', () => {
    const { tokens, passwords, gossipKey } = site.secrets;
    const secrets = [gossipKey, ...Object.values(tokens), ...Object.values(passwords)];
    for (const one of topology.boxes.flatMap((name) => filesOf(site, name, templates))) {
      if (secrets.some((secret) => one.content.includes(secret)))
        expect([one.path, one.mode]).toEqual([one.path, 0o600]);
    }
  });

  test('Postgres: by the network only with a SCRAM password, by its own socket only its own account', () => {
    const lines = file('pg1', 'pg_hba.conf')
      .content.split('\n')
      .filter((line) => line && !line.startsWith('#'));
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.shift()).toMatch(/^local +all +postgres +peer map=keeper$/);
    expect(file('pg1', 'pg_ident.conf').content).toMatch(/^keeper somebody postgres$/m);
    for (const line of lines) expect(line).toMatch(/ 10\.1\.2\.0\/24\s+scram-sha-256$/);
  });
});

test('the anonymous token may only read nodes and services', () => {
  const { policies, tokens } = aclOf(topology, site.secrets);
  const names = tokens.find(({ secret }) => secret === undefined)?.policies;
  const rules = policies
    .filter(({ Name }) => names?.includes(Name))
    .map(({ Rules }) => Rules)
    .join('\n');
  expect(rules).not.toMatch(/write|key|session|acl|operator/);
});

test('agents of members have a token of their own; that of the others registers nothing with roles', () => {
  const token = (box: string) => file(box, 'agent.token').content;
  const { agent, memberAgent } = site.secrets.tokens;
  expect(topology.boxes.map(({ name }) => token(name))).toEqual([
    agent,
    memberAgent,
    memberAgent,
    agent,
    agent,
  ]);
  const rules = (name: string) =>
    aclOf(topology, site.secrets)
      .policies.find((policy) => policy.Name === name)
      ?.Rules.split('\n');
  const writes = (name: string) =>
    rules(name)
      ?.filter((rule) => rule.includes('write'))
      .map((rule) => rule.replace(/ \{.*/, ''));
  expect(writes('hotspare-agent')).toEqual(['service "nginx"', 'service "todomvc"']);
  expect(writes('hotspare-member')).toEqual([
    'service "pg"',
    'key_prefix "hotspare/pg/"',
    'session "pg1"',
    'session "pg2"',
  ]);
});
