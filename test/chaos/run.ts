import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { healAll, logsOf, members, missing, numbersOnPrimary, other, primary, type Member } from './boxes.js';
import { roleChanges, twoPrimariesMs, type Ledger } from './evidence.js';
import { inflictions } from './faults/index.js';
import { kinds, type Fault, type Round } from './faults/kinds.js';
import { LeftOut } from './faults/strike.js';
import type { Done } from './report.js';

/** A member that does not follow so long after the last healing does not come back by itself. */
const settleMs = 150_000;
const steadyMs = 2_000;
type Struck = Done['faults'][number];

/** One round: its faults, their healing, and what they have cost. */
export async function runRound(round: Round, ledger: Ledger): Promise<Done> {
  await delay(round.pauseMs);
  lastPrimary = (await primary()) ?? lastPrimary;
  const firstNumber = ledger.last;
  const beganMs = performance.now();
  const faults = await Promise.all(round.faults.map((fault) => inflict(fault)));
  const healedMs = performance.now();
  const came = await untilSettled(healedMs);
  const endedMs = performance.now();
  const settled = 'atMs' in came ? { settledMs: came.atMs - healedMs } : came;
  return { faults, beganMs, endedMs, ...settled, ...(await looked(ledger, firstNumber)) };
}

async function inflict(fault: Fault): Promise<Struck> {
  await delay(fault.afterMs);
  const leads = (await primary()) ?? lastPrimary;
  lastPrimary = leads;
  const box = fault.at === 'primary' ? leads : other(leads);
  const { hurts, at } = kinds[fault.kind];
  const endMs = performance.now() + fault.forMs;
  const over = () => delay(Math.max(0, endMs - performance.now()));
  const hurtsPrimary = hurts && (at === 'none' || box === leads);
  try {
    await inflictions[fault.kind]({ fault, box, over });
    return { fault, box, hurtsPrimary };
  } catch (error) {
    const why = error instanceof LeftOut ? error.message : `failed: ${String(error)}`;
    return { fault, why, hurtsPrimary };
  }
}

let lastPrimary: Member = 'pg1';

/** What was missing to the end, or since when nothing was. Right after a fault all may look well, since it has not been noticed. */
async function untilSettled(sinceMs: number): Promise<{ atMs: number } | { missing: string }> {
  let wellSinceMs: number | undefined;
  for (;;) {
    const lacks = await missing();
    const nowMs = performance.now();
    wellSinceMs = lacks === undefined ? (wellSinceMs ?? nowMs) : undefined;
    if (wellSinceMs !== undefined && nowMs - wellSinceMs > steadyMs) return { atMs: wellSinceMs };
    if (lacks !== undefined && nowMs - sinceMs > settleMs) return { missing: lacks };
    await delay(200);
  }
}

/** What was acknowledged since, held against what the primary has. */
async function looked(ledger: Ledger, above: number): Promise<Pick<Done, 'lost' | 'unexpected'>> {
  const due = ledger.acknowledged.length;
  const there = await numbersOnPrimary(above).catch(() => undefined);
  if (!there) return { lost: [], unexpected: [] };
  const acknowledged = new Set(ledger.acknowledged.slice(0, due).map(({ n }) => n));
  const { lost, unexpected } = ledger.compare(there, above);
  return { lost: lost.filter((n) => acknowledged.has(n)), unexpected };
}

/** Whether somebody should look at it: then the logs are kept, and their folder is told. */
export async function keepEvidence(index: number, done: Done, ledger: Ledger): Promise<string | undefined> {
  const acks = ledger.acknowledged.filter(({ ackedMs }) => ackedMs > done.beganMs - 1_000);
  const isFalse = roleChanges(acks) > 0 && done.faults.every(({ hurtsPrimary }) => !hurtsPrimary);
  const isBad =
    done.settledMs === undefined ||
    done.lost.length + done.unexpected.length + twoPrimariesMs(acks) > 0 ||
    isFalse;
  if (!isBad) return undefined;
  const folder = join(tmpdir(), `hotspare-chaos-evidence-${process.pid}`, `round-${index + 1}`);
  mkdirSync(folder, { recursive: true });
  const seconds = (performance.now() - done.beganMs) / 1000 + 5;
  for (const member of members) writeFileSync(join(folder, `${member}.log`), await logsOf(member, seconds));
  writeFileSync(
    join(folder, 'round.json'),
    JSON.stringify({ done, nowMs: performance.now(), wall: new Date() }, null, 2),
  );
  writeFileSync(join(folder, 'acknowledged.json'), acks.map((ack) => JSON.stringify(ack)).join('\n'));
  if (done.settledMs === undefined) await healAll();
  return folder;
}
