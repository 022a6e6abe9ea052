import { boxes } from '../../boxes/support/vagrant-boxes.js';
import type { KindName } from './kinds.js';
import * as links from './links.js';
import { leaderAndPrimary, quorumLost } from './of-consul.js';
import { freeze, kill, restart } from './processes.js';
import { LeftOut, type Inflict } from './strike.js';
import { diskFull, frozen, off, reboot } from './whole-box.js';

/** As an operator would, on a box that runs. It may be refused, and that is right in the middle of something. */
const switchover: Inflict = async () => {
  const said = await boxes.shell('adm1', 'hotspare switchover --yes 2>&1; echo "exit $?"', 150_000);
  const code = Number(/exit (\d+)$/.exec(said)?.[1]);
  if (code !== 0 && code !== 3)
    throw new LeftOut(`ended with ${code}: ${said.split('\n').slice(-3).join(' ')}`);
};

/** How each kind is done on the boxes. */
export const inflictions: Readonly<Record<KindName, Inflict>> = {
  'postmaster-kill': kill('postmaster'),
  'postmaster-freeze': freeze('postmaster'),
  'postmaster-restart': restart('postmaster'),
  'backend-kill': kill('backend'),
  'backend-freeze': freeze('backend'),
  'keeper-kill': kill('keeper'),
  'keeper-freeze': freeze('keeper'),
  'keeper-restart': restart('keeper'),
  'agent-kill': kill('agent'),
  'agent-freeze': freeze('agent'),
  'agent-restart': restart('agent'),
  'consul-kill': kill('consul'),
  'consul-freeze': freeze('consul'),
  'consul-restart': restart('consul'),
  'box-off': off,
  'box-freeze': frozen,
  'box-reboot': reboot,
  'link-from': links.from,
  'link-to': links.to,
  'link-between': links.between,
  'link-server': links.server,
  'link-boxes': links.toAllBoxes,
  'link-down': links.down,
  'link-flap': links.flapping,
  'leader-and-primary': leaderAndPrimary,
  'quorum-lost': quorumLost,
  'disk-full': diskFull,
  'standby-dead': off,
  switchover,
};
