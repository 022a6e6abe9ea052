import type { RealConsul } from './consul.js';
import type { PostgresPair } from './postgres.js';
import { fetchAnew } from './fetch-anew.js';

/** Tells Consul of both servers as the members of the service `pg`, with their roles. */
export async function registerPair(consul: RealConsul, pair: PostgresPair): Promise<void> {
  for (const [ID, role, { host, port }] of [
    ['pg1', 'primary', pair.primary],
    ['pg2', 'replica', pair.standby],
  ] as const) {
    const body = JSON.stringify({ ID, Name: 'pg', Tags: [role], Address: host, Port: port });
    const { status } = await fetchAnew(`${consul.httpUrl}/v1/agent/service/register`, {
      method: 'PUT',
      body,
    });
    if (status !== 200) throw new Error(`Consul answered ${status}`);
  }
}
