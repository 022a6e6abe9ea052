import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { slotPrefix as prefix } from './parts/conninfo.js';
import type { Box } from '../box.js';
import { mustBeManaged, mustRun } from './parts/conditions.js';

/** Exactly these physical slots, each with WAL kept from now on; a slot that is in use is named and stays. */
export async function slots(box: Box, request: RequestOf<'slots'>): Promise<ResultOf<'slots'>> {
  mustBeManaged(box);
  mustRun(box);
  const wanted = request.names.map((name) => prefix + name);
  const found = await box.reserved.query<{ name: string; active: boolean; lost: boolean }>(
    `SELECT slot_name AS name, active, coalesce(wal_status = 'lost', false) AS lost FROM pg_replication_slots
     WHERE slot_type = 'physical' AND starts_with(slot_name, $1)`,
    [prefix],
  );
  // One whose WAL is gone is of no use to anybody, and is made anew.
  const useless = found.filter(({ name, active, lost }) => !active && (lost || !wanted.includes(name)));
  for (const { name } of useless) await box.reserved.query('SELECT pg_drop_replication_slot($1)', [name]);
  const kept = found.filter((slot) => !useless.includes(slot)).map(({ name }) => name);
  const created = wanted.filter((name) => !kept.includes(name));
  for (const name of created)
    await box.reserved.query('SELECT pg_create_physical_replication_slot($1, true)', [name]);
  return {
    created,
    dropped: useless.map(({ name }) => name).filter((name) => !wanted.includes(name)),
    active: found.filter(({ active }) => active).map(({ name }) => name),
  };
}
