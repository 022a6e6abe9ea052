import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileOf, realSite } from '../provision/sites.js';
import { LxcBox, whyNoBox } from '../support/programs/lxc-box.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

const why = whyNoBox();
if (why !== undefined) console.warn(`SKIPPED: Consul's unit was not tested: ${why}`);

const data = '/var/lib/consul';

/** The unit as it is rendered, with a configuration for one server that is alone. */
describe.skipIf(why !== undefined)('Consul as a unit of systemd', () => {
  let box: LxcBox;

  beforeAll(async () => {
    box = await LxcBox.boot('consul');
    const config = {
      server: true,
      bootstrap_expect: 1,
      data_dir: data,
      bind_addr: '127.0.0.1',
      encrypt: realSite.secrets.gossipKey,
      ports: { serf_wan: -1 },
    };
    box.write('/etc/hotspare/consul.json', JSON.stringify(config));
    const unit = fileOf(realSite, 'adm1', 'consul.service');
    box.write(unit.path, unit.content);
    await box.shell(
      'ip link set lo up; id -u consul >/dev/null 2>&1 || useradd --system --user-group consul; systemctl daemon-reload',
    );
  });
  afterAll(() => box?.destroy());

  const leads = () =>
    waitFor('Consul to lead', eventuallyMs, async () =>
      (await box.shell('curl -s http://127.0.0.1:8500/v1/status/leader || true')).includes(':'),
    );

  test('starts over the files that a power cut has emptied, and says which', async () => {
    await box.shell('systemctl start consul');
    await leads();
    const files = `${data}/node-id ${data}/serf/local.keyring`;
    await box.shell(
      `systemctl stop consul; for f in ${files}; do test -s $f && : > $f; done; systemctl start consul`,
    );
    await leads();
    await box.shell(`for f in ${files}; do test -s $f; done`);
    const said = await box.shell('journalctl -u consul -o cat --no-pager');
    for (const file of files.split(' ')) expect(said).toContain(file);
  });
});
