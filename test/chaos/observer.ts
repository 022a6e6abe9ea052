import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { boxes } from '../boxes/support/vagrant-boxes.js';
import { members, type Member } from './boxes.js';
import type { Ledger } from './evidence.js';
import { connect, destroy, insert, memberAt, within, type Inserted } from './writers.js';

const paceMs = 40;
/** Behind a gate, or on a member that says nothing, a write is given up after so long. */
const patienceMs = 700;

/**
 * Tries one real write at a time on each member, whoever is said to be the primary. Only what was acknowledged with
 * `synchronous_commit=on` counts.
 */
export class Observer {
  #running = true;
  #work: Promise<unknown> = Promise.resolve();

  constructor(private readonly ledger: Ledger) {}

  start(): void {
    this.#work = Promise.all(members.map((member) => this.#watch(member)));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#work;
  }

  async #watch(member: Member): Promise<void> {
    let client: pg.Client | undefined;
    while (this.#running) {
      client ??= await connect(boxes.address(member), patienceMs);
      if (client && !(await this.#write(client, member))) client = undefined;
      await delay(paceMs);
    }
    if (client) destroy(client);
  }

  /** Whether the session can be used again. */
  async #write(client: pg.Client, member: Member): Promise<boolean> {
    const n = this.ledger.take();
    const sentMs = performance.now();
    let wasCancelled = false;
    // A wait for the standby that was cancelled is no acknowledgement, though it is told as a success.
    const onNotice = ({ routine }: { routine?: string | undefined }) =>
      (wasCancelled ||= routine === 'SyncRepWaitForLSN');
    client.on('notice', onNotice);
    try {
      const { rows } = await within(client, patienceMs, client.query<Inserted>(insert, [n, 'observer']));
      const { address, timeline } = rows[0]!;
      if (!wasCancelled)
        this.ledger.acknowledge({
          n,
          by: 'observer',
          member: memberAt(address),
          timeline,
          sentMs,
          ackedMs: performance.now(),
        });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === '25006') {
        this.ledger.refused.add(n);
        return true;
      }
      destroy(client);
      await terminate(client, member);
      return false;
    } finally {
      client.off('notice', onNotice);
    }
  }
}

/** The backend of a session that was given up: it would wait behind its gate for ever. */
async function terminate(gone: pg.Client, member: Member): Promise<void> {
  const { processID } = gone as unknown as { processID: number | null };
  const client = processID === null ? undefined : await connect(boxes.address(member), patienceMs);
  if (!client) return;
  const asked = client.query('SELECT pg_terminate_backend($1)', [processID]);
  await within(client, patienceMs, asked).catch(() => {});
  destroy(client);
}
