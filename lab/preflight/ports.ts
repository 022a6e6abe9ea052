import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { UserError } from '../../common/errors.js';
import { listenTroubleOf, listenWords } from '../../common/network-error.js';
import type { Lab } from '../lab.js';
import { instancesOf } from '../units.js';
import { portHolder, type Protocol } from './port-holder.js';

/** Throws a UserError naming every taken port and its holder. Ports of programs of this lab that run already don't count. */
export async function checkPorts(lab: Lab): Promise<void> {
  const taken: string[] = [];
  for (const instance of instancesOf(lab.site)) {
    const { state } = await lab.services.status(instance.unit);
    if (state === 'running' || state === 'frozen') continue;
    for (const { protocol, port } of [
      ...(instance.port === undefined ? [] : [{ protocol: 'tcp', port: instance.port } as const]),
      ...instance.alsoListens,
    ]) {
      if (await isFree(protocol, instance.address, port)) continue;
      const holder = portHolder(instance.address, port, protocol);
      const by = holder ? `${holder.name}, pid ${holder.pid}` : "another user's process";
      const where = `${instance.address}:${port}${protocol === 'udp' ? ' (UDP)' : ''}`;
      taken.push(`  ${where} (for ${instance.unit}) is held by ${by}`);
    }
  }
  if (taken.length === 0) return;
  const other = lab.settings.portOffset + 1_000;
  throw new UserError(
    `these ports are taken:\n${taken.join('\n')}\nEnd what holds them, or move the whole lab: export HOTSPARE_PORT_OFFSET=${other}`,
  );
}

const advice = {
  host: 'the lab needs Linux, where all of 127.0.0.0/8 is loopback',
  port: 'move the whole lab: export HOTSPARE_PORT_OFFSET=1000',
};

function isFree(protocol: Protocol, address: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => {
      if (listenTroubleOf(error) === 'taken') resolve(false);
      else reject(new UserError(listenWords(error, { host: address, port }, advice), { cause: error }));
    };
    if (protocol === 'tcp') {
      const server = createServer().once('error', onError);
      server.listen(port, address, () => server.close(() => resolve(true)));
    } else {
      const socket = createSocket('udp4').once('error', onError);
      socket.bind(port, address, () => socket.close(() => resolve(true)));
    }
  });
}
