import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { request } from '../../support/lab.js';
import { boxes } from '../support/vagrant-boxes.js';
import { said } from './up.js';

/** What a command says and ends with, whichever way. */
const attempt = (box: string, command: string) => boxes.shell(box, `${command} 2>&1; echo "exit $?"`);

const psqlAs = (user: string, database: string, sql: string, password = '') =>
  `${password && `PGPASSWORD=$(cat ${password}) `}PGCONNECT_TIMEOUT=5 psql -w -X -q -A -t -h ${boxes.address('pg1')} -U ${user} -d ${database} -c "${sql}"`;

export function access(): void {
  test('Consul without a token: the catalogue may be read, and nothing else', async () => {
    const refused = /permission denied|denied by ACLs|response code: 403/i;
    for (const command of [
      'consul kv get hotspare/any',
      'consul kv put hotspare/any x',
      'consul acl token list',
      'consul services deregister -id todomvc@nginx1',
      'consul keyring -list',
      'consul leave',
      'consul operator raft list-peers',
      'consul snapshot save /tmp/snapshot',
    ]) {
      const answer = await attempt('nginx1', command);
      expect([command, answer]).toEqual([command, expect.stringMatching(refused)]);
      expect([command, answer]).toEqual([command, expect.not.stringContaining('exit 0')]);
    }
    const node = { Node: 'evil', Address: '203.0.113.1', Service: { Service: 'pg', Tags: ['primary'] } };
    for (const [path, body] of [
      ['catalog/register', node],
      ['catalog/deregister', { Node: 'pg1' }],
      ['agent/service/register', { Name: 'pg', Tags: ['primary'] }],
      ['session/create', {}],
      ['kv/hotspare/any', 'x'],
    ] as const) {
      for (const url of ['http://127.0.0.1:8500', boxes.consul]) {
        const put = { method: 'PUT', body: JSON.stringify(body) };
        const status = url.includes('127.0.0.1')
          ? await boxes.shell(
              'nginx1',
              `curl -s -o /dev/null -w '%{http_code}' -X PUT -d '${put.body}' ${url}/v1/${path}`,
            )
          : String((await request(`${url}/v1/${path}`, put)).status);
        expect([url, path, status]).toEqual([url, path, '403']);
      }
    }
    const headers = { 'x-consul-token': readFileSync(join(boxes.state, 'management.token'), 'utf8').trim() };
    const key = `${boxes.consul}/v1/kv/hotspare/any`;
    expect((await request(key, { method: 'PUT', body: 'hidden', headers })).status).toBe(200);
    // What may not be read is left out of lists.
    expect(await attempt('nginx1', 'consul kv get -recurse')).toBe('exit 0');
    await request(key, { method: 'DELETE', headers });
    expect(await boxes.shell('nginx1', 'consul catalog services')).toContain('todomvc');
  });

  test('Postgres without a password, as somebody else, or beyond a role: refused', async () => {
    for (const user of ['todo_app', 'hotspare_agent', 'todo_migrate', 'hotspare_replication', 'postgres'])
      for (const box of ['nginx1', 'pg2'])
        expect(await attempt(box, psqlAs(user, 'todo', 'SELECT 1'))).toMatch(
          /no password supplied|no pg_hba.conf entry|pg_hba.conf rejects/,
        );
    expect(
      await attempt('pg1', 'runuser -u www-data -- psql -w -X -d todo -U postgres -c "SELECT 1"'),
    ).toMatch(/Peer authentication failed|no pg_hba.conf entry|rejects/);
    const app = (sql: string) =>
      attempt('nginx1', psqlAs('todo_app', 'todo', sql, '/etc/hotspare/app.password'));
    expect(await app('SELECT count(*) >= 0 FROM todo.todos')).toBe('t\nexit 0');
    for (const sql of [
      'CREATE TABLE todo.mine (id int)',
      'CREATE TABLE public.mine (id int)',
      'CREATE SCHEMA mine',
      'CREATE ROLE mine',
      'ALTER TABLE todo.todos ADD COLUMN mine int',
      'DROP TABLE todo.todos',
      `COPY todo.todos TO PROGRAM 'true'`,
      'SELECT * FROM pg_authid',
      'SELECT pg_promote()',
    ])
      expect([sql, await app(sql)]).toEqual([
        sql,
        expect.stringMatching(/permission denied|must be owner|must be superuser/),
      ]);
    // The agent looks on; what people wrote down is none of its business.
    const agent = psqlAs(
      'hotspare_agent',
      'postgres',
      'SELECT count(*) > 0 FROM pg_stat_activity',
      '/etc/hotspare/agent.password',
    );
    expect(await attempt('pg1', agent)).toBe('t\nexit 0');
    const nosy = psqlAs('hotspare_agent', 'todo', 'SELECT * FROM todo.todos', '/etc/hotspare/agent.password');
    expect(await attempt('pg1', nosy)).toMatch(/permission denied|no pg_hba.conf entry/);
    // Right password, wrong box.
    expect(
      await attempt('pg2', psqlAs('todo_app', 'todo', 'SELECT 1', '/etc/hotspare/agent.password')),
    ).toMatch(/no pg_hba.conf entry|authentication failed/);
  });

  test('secrets: in files only their owner may read; nowhere in process lists, journals, or what Vagrant said', async () => {
    const secrets = allSecrets();
    expect(secrets.length).toBeGreaterThan(9);
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
    let holding = 0;
    for (const box of boxes.names()) {
      const list = `/var/lib/lxc/${boxes.container(box)}/rootfs/root/.secrets-of-test`;
      writeFileSync(list, `${secrets.join('\n')}\n`, { mode: 0o600 });
      try {
        const look = (command: string) => boxes.shell(box, `${command} || true`);
        const files = await look(
          `grep -rlaFs -D skip --exclude=.secrets-of-test -f /root/.secrets-of-test /etc /home /opt/hotspare/ /root /run /srv /tmp /usr/local /var | xargs -r stat -c '%a %n'`,
        );
        const found = files.split('\n').filter((line) => line !== '');
        holding += found.length;
        // Consul keeps tokens and its key below a folder nobody else may enter.
        expect([box, found.filter((line) => !/^600 |^\d+ \/var\/lib\/consul\//.test(line))]).toEqual([
          box,
          [],
        ]);
        expect([box, found.filter((line) => /\/(tmp|var\/tmp|run|var\/log)\//.test(line))]).toEqual([
          box,
          [],
        ]);
        expect(await boxes.shell(box, `stat -c '%a %U' /var/lib/consul`)).toBe('700 consul');
        expect([
          box,
          await look(`cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -aFf /root/.secrets-of-test`),
        ]).toEqual([box, '']);
        expect([
          box,
          await look(`journalctl --no-pager -a -o export | grep -aFf /root/.secrets-of-test`),
        ]).toEqual([box, '']);
        expect([box, await look('find /var/tmp /tmp -user root -name "hotspare*"')]).toEqual([box, '']);
      } finally {
        rmSync(list);
      }
    }
    for (const box of boxes.names('nginx'))
      expect(await boxes.shell(box, `stat -c '%a %U' /etc/nginx/tls/key.pem`)).toBe('600 root');
    expect(statSync(boxes.state).mode & 0o777).toBe(0o700);
    for (const name of ['secrets.json', 'management.token'])
      expect([name, statSync(join(boxes.state, name)).mode & 0o777]).toEqual([name, 0o600]);
    console.log(`secrets: ${secrets.length} of them, in ${holding} files of the boxes, nowhere else`);
  });
}

/** Every one that was made for these boxes. */
function allSecrets(): string[] {
  const leaves = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(leaves);
  const token = readdirSync(boxes.state).includes('management.token')
    ? [readFileSync(join(boxes.state, 'management.token'), 'utf8').trim()]
    : [];
  return [...leaves(JSON.parse(readFileSync(join(boxes.state, 'secrets.json'), 'utf8'))), ...token];
}
