import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildAgent } from '../support/agent/agent-process.js';
import { LxcBox, whyNoBox } from '../support/programs/lxc-box.js';
import { waitFor } from '../support/wait.js';

const why = whyNoBox();
if (why !== undefined) console.warn(`SKIPPED: the agent was not tested as a unit of systemd: ${why}`);

const root = join(import.meta.dirname, '../..');
const secret = 'a-secret-that-is-long-enough';
const node = '/opt/hsd/node';

/** The agent as a hardened unit of Type=notify, with a web app of one line and a unit it may not drive. */
describe.skipIf(why !== undefined)('the agent under systemd', () => {
  let box: LxcBox;
  let built: Awaited<ReturnType<typeof buildAgent>>;

  beforeAll(async () => {
    built = await buildAgent();
    box = await LxcBox.boot('agent', { [node]: process.execPath, '/opt/hsd/project': root });
    const hardening = readFileSync(join(root, 'provision/templates/hardening.conf.hbs'), 'utf8');
    box.write('/etc/hsd/http.secret', `${secret}\n`, 0o600);
    box.write(
      '/etc/hsd/agent.yaml',
      `box: b1
address: 127.0.0.1
stateDir: /var/lib/hotspare
http: { host: 127.0.0.1, port: 8008, secretFile: /etc/hsd/http.secret }
consul: { url: "http://127.0.0.1:8500" }
services:
  - { name: web, kind: http, port: 3000, unit: hsd-web.service }
  - { name: other, kind: http, port: 3001, unit: hsd-other.service }
`,
    );
    const program = `require('http').createServer((_, answer) => answer.end()).listen(3000, '127.0.0.1')`;
    box.write('/etc/hsd/web.cjs', program);
    box.write('/etc/systemd/system/hsd-web.service', `[Service]\nExecStart=${node} /etc/hsd/web.cjs\n`);
    box.write('/etc/systemd/system/hsd-other.service', '[Service]\nExecStart=/bin/sleep 1000\n');
    box.write(
      '/etc/systemd/system/hsd-agent.service',
      `[Service]
Type=notify
NotifyAccess=all
WatchdogSec=9s
WatchdogSignal=SIGKILL
User=hsd
ExecStart=${node} /opt/hsd/project/${relative(root, built.file)} --config /etc/hsd/agent.yaml
Restart=always
RestartSec=100ms
StateDirectory=hotspare
${hardening}`,
    );
    box.write(
      '/etc/polkit-1/rules.d/50-hsd.rules',
      `polkit.addRule(function (action, subject) {
  if (subject.user === "hsd") return action.lookup("unit") === "hsd-web.service" ? polkit.Result.YES : polkit.Result.NO;
});
`,
    );
    await box.shell(
      'useradd --system hsd && chown hsd /etc/hsd/http.secret && touch /etc/hsd/before && systemctl daemon-reload && systemctl start hsd-web hsd-other && (systemctl restart polkit || true)',
    );
  });
  afterAll(async () => {
    await box?.destroy();
    built?.destroy();
  });

  const show = async (property: string, unit = 'hsd-agent') =>
    (await box.shell(`systemctl show --value -p ${property} ${unit}`)).trim();

  async function post(path: string, given = secret): Promise<{ status: number; body: unknown }> {
    const script = `fetch('http://127.0.0.1:8008/v1/services/${path}', { method: 'POST', headers: { authorization: 'Bearer ${given}' } })
      .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.json() })))`;
    const ran = await box.run(node, ['-e', script], { timeoutMs: 60_000 });
    return JSON.parse(ran.stdout) as { status: number; body: unknown };
  }

  test('is started when it says so, without Consul, and tells how it is', async () => {
    await box.shell('systemctl start hsd-agent');
    expect(await show('ActiveState')).toBe('active');
    await waitFor('its status', 20_000, async () =>
      /^web passing, other critical, Consul not reachable$/.test(await show('StatusText')),
    );
    expect(await box.shell('ps -o user= -p $(systemctl show --value -p MainPID hsd-agent)')).toBe('hsd\n');
  });

  test('its loops feed the watchdog, also after the helper was killed', async () => {
    const pid = await show('MainPID');
    const fed = () => show('WatchdogTimestampMonotonic');
    await box.shell(`kill -9 $(cat /proc/${pid}/task/${pid}/children)`);
    for (let round = 0; round < 3; round++) {
      const before = await fed();
      await waitFor('a sign of life', 20_000, async () => (await fed()) !== before);
    }
    expect([await show('MainPID'), await show('NRestarts')]).toEqual([pid, '0']);
  });

  test('hung, it is killed and started again, and its helper ends with it', async () => {
    const pid = await show('MainPID');
    await box.shell(`kill -STOP ${pid}`);
    await waitFor('another agent', 60_000, async () => {
      const now = await show('MainPID');
      return now !== pid && now !== '0' && (await show('ActiveState')) === 'active';
    });
    expect(await show('NRestarts')).toBe('1');
    expect(await box.shell('journalctl -u hsd-agent | grep -c "Watchdog timeout"')).toBe('1\n');
    await waitFor('one helper', 30_000, async () => (await box.shell('pgrep -c perl')) === '1\n');
  });

  test('starts and stops what polkit lets it, and passes the refusal of the other on', async () => {
    expect(await post('web/stop')).toEqual({
      status: 200,
      body: { service: 'web', unit: 'hsd-web.service', action: 'stop', state: 'stopped' },
    });
    expect(await show('ActiveState', 'hsd-web')).toBe('inactive');
    expect((await post('web/restart')).body).toMatchObject({ state: 'running' });
    expect((await post('web/start', `${secret}x`)).status).toBe(401);
    const refused = await post('other/stop');
    expect(refused.status).toBe(500);
    expect(refused.body).toMatchObject({
      code: 'failed',
      error: expect.stringMatching(/a polkit rule must allow it for hsd-other.service/) as string,
    });
    expect(await show('ActiveState', 'hsd-other')).toBe('active');
  });

  test('free space of a folder it may not enter can be read', async () => {
    await box.shell('mkdir -p /var/lib/hsd-data && chmod 700 /var/lib/hsd-data');
    const uid = Number(await box.shell('id -u hsd'));
    const script = `console.log(require('fs').statfsSync('/var/lib/hsd-data').bavail > 0)`;
    expect((await box.runAs(uid, node, ['-e', script], { timeoutMs: 20_000 })).stdout).toBe('true\n');
  });

  test('stops in good order, and has written nothing outside its folder', async () => {
    await box.shell('systemctl stop hsd-agent');
    expect([await show('Result'), await show('ExecMainStatus')]).toEqual(['success', '0']);
    const written = await box.shell(
      'find / -xdev -user hsd -newer /etc/hsd/before -type f -not -path "/proc/*" -not -path "/sys/*"',
    );
    expect(
      written.split('\n').filter((file) => file !== '' && !file.startsWith('/var/lib/hotspare/')),
    ).toEqual([]);
  });
});
