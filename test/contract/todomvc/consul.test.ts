import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../../support/postgres.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { ask, readEvents } from '../../todomvc/app-under-test.js';
import { BuiltApp, type AppProcess } from '../../todomvc/built-app.js';

/** The app as boxes run it: a process that knows nothing but `pg.service.consul`. */
describe('the app finds its database through Consul', () => {
  let consul: RealConsul;
  let pair: PostgresPair;
  let built: BuiltApp;
  let app: AppProcess;

  async function register(name: string, server: RealPostgres, tag: string): Promise<void> {
    const response = await fetch(`${consul.httpUrl}/v1/agent/service/register`, {
      method: 'PUT',
      body: JSON.stringify({ ID: name, Name: 'pg', Tags: [tag], Address: server.host, Port: server.port }),
    });
    expect(response.status).toBe(200);
  }
  const modeNow = async () => (await ask(`${app.url}/healthz`)).json.mode as string;
  const mode = (wanted: string) =>
    waitFor(`mode ${wanted}`, eventuallyMs, async () => (await modeNow()) === wanted);
  const post = (title: string) => ask(`${app.url}/todos`, { method: 'POST', body: { title } });

  beforeAll(async () => {
    [consul, pair, built] = await Promise.all([startConsul(), startPostgresPair(), BuiltApp.build()]);
    await register('pg1', pair.primary, 'primary');
    await register('pg2', pair.standby, 'replica');
    app = await built.start({
      DATABASE_URL: 'postgres://app:app@pg.service.consul:5432/app',
      CONSUL_HTTP_ADDR: consul.httpUrl,
      HOTSPARE_DNS: `${consul.host}:${consul.dnsPort}`,
    });
  });
  afterAll(async () => {
    await built?.remove();
    await Promise.all([consul?.destroy(), pair?.destroy()]);
  });

  it('migrates, writes and reads', async () => {
    await mode('read-write');
    expect((await post('found')).status).toBe(201);
    expect(await ask(`${app.url}/todos`)).toMatchObject({
      json: [{ title: 'found' }],
      headers: { 'x-hotspare-read-from': `127.0.0.1:${pair.primary.port}` },
    });
  });

  it('without Consul it stays read-write, and a second one starts from what was last known', async () => {
    await consul.stop();
    const second = await built.start({
      DATABASE_URL: 'postgres://app:app@pg.service.consul:5432/app',
      CONSUL_HTTP_ADDR: consul.httpUrl,
      HOTSPARE_DNS: `${consul.host}:${consul.dnsPort}`,
    });
    for (const { url } of [app, second])
      await waitFor('a write', eventuallyMs, async () => {
        const body = { title: 'without Consul' };
        const { status, text } = await ask(`${url}/todos`, { method: 'POST', body });
        if (status !== 201) throw new Error(`${status} ${text}`);
        return true;
      });
    await second.end('SIGKILL');
    await consul.start();
  });

  it('the primary killed: read-only, and told to the pages; back: read-write', async () => {
    const stream = await readEvents(app.url);
    const told = (wanted: string) => () => stream.events.some(({ data }) => data?.mode === wanted);
    await waitFor('the first event', eventuallyMs, told('read-write'));
    pair.primary.kill();
    await waitFor('the pages to be told', eventuallyMs, told('read-only'));
    expect((await post('no')).json.type).toBe('urn:hotspare:problem:read-only');
    expect((await ask(`${app.url}/todos`)).status).toBe(200);
    await pair.primary.start();
    await mode('read-write');
    expect((await post('yes')).status).toBe(201);
    stream.close();
  });

  it('stops in order while the primary hangs', async () => {
    pair.primary.freeze();
    await mode('read-only');
    expect(await app.end('SIGTERM')).toBe(0);
    pair.primary.thaw();
    expect(app.stderr).toBe('');
  });
});
