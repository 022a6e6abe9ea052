import { parseLsn } from '../../common/postgres/lsn.js';
import type { Facts } from '../../common/keeper/protocol.js';
import type { Gate, KnownSelf, Self } from '../core/lead/model.js';
import { notesOf } from './notes.js';
import { positionOf } from './position.js';
import { memberOfSlot } from './slots.js';

/** By the control file's word alone. A primary that is being stopped is not a standby yet. */
const wasWritable = (cluster: string | undefined, server: Facts['server']['state']): boolean =>
  cluster === 'in production' ||
  (server === 'running' && (cluster === 'shutting down' || cluster === 'shut down'));

/** What the keeper says, in the words of the core. */
export function selfOf(facts: Facts): Self {
  const { data, server } = facts;
  if (data.state === 'unreadable' && !facts.rewinding)
    return { kind: 'unknown', why: `the control file cannot be read: ${data.why}` };
  const sql = facts.sql.state === 'answers' ? facts.sql : undefined;
  const present = data.state === 'present' ? data : undefined;
  // Of a standby the control file names a new one late.
  const timeline = present && (facts.history?.timeline ?? present.timeline);
  // The control file still shows the run before while Postgres starts: then it lets nobody in, and begins in recovery (D1).
  const isStarting = server.state === 'running' && server.starting === true && server.others === 0;
  const writable = sql ? !sql.inRecovery : !isStarting && wasWritable(present?.cluster, server.state);
  return {
    kind: 'known',
    managed: facts.managed,
    data: facts.rewinding ? 'half-done' : present ? 'present' : 'none',
    // Processes that outlived their postmaster can acknowledge as well (F1).
    process: server.state === 'running' || server.others > 0 ? 'running' : 'stopped',
    writable,
    gate: gateOf(facts.gate),
    draining: facts.drain !== undefined,
    busy: facts.order?.verb,
    incarnation: facts.incarnation,
    origin: present?.systemId,
    history: facts.history,
    position: timeline === undefined ? undefined : positionNow(timeline, sql),
    statements: sql?.statements,
    ...receiverOf(sql),
    feeds: (sql?.senders ?? []).map(({ name, flushLsn }) => ({
      name,
      position: flushLsn === undefined || timeline === undefined ? undefined : positionOf(timeline, flushLsn),
    })),
    slots: (sql?.slots ?? []).flatMap(({ name }) => memberOfSlot(name) ?? []),
    checkpointed:
      present === undefined ||
      present.checkpointTimeline >= Math.max(timeline ?? 0, sql?.receiver?.timeline ?? 0),
    replayPaused: sql?.replayPaused ?? false,
    notes: notesOf(sql),
  };
}

type Answering = Extract<Facts['sql'], { state: 'answers' }>;

/** A standby that has just started has received nothing yet, and has what it has replayed. */
function positionNow(timeline: number, sql: Answering | undefined): string | undefined {
  const [first, ...more] = [sql?.flushLsn, sql?.inRecovery ? sql.replayLsn : undefined].filter(
    (lsn) => lsn !== undefined,
  );
  if (first === undefined) return undefined;
  const newest = more.reduce((best, lsn) => (parseLsn(lsn) > parseLsn(best) ? lsn : best), first);
  return positionOf(timeline, newest);
}

function receiverOf(sql: Answering | undefined): Pick<KnownSelf, 'source'> {
  const receiver = sql?.receiver;
  if (receiver?.host === undefined) return { source: undefined };
  return {
    source: {
      address: receiver.host,
      port: receiver.port,
      streaming: receiver.status === 'streaming',
      ...(receiver.timeline === undefined ? {} : { timeline: receiver.timeline }),
      ...(receiver.lastMessageAgeMs === undefined ? {} : { heardMs: receiver.lastMessageAgeMs }),
    },
  };
}

/** The names in double quotes. */
const standbysIn = (value: string): string[] =>
  [...value.matchAll(/"([^"]*)"/g)].map(([, name]) => name ?? '');

function gateOf(gate: Facts['gate']): Gate {
  switch (gate.kind) {
    case 'closed':
      return { kind: 'closed', proven: gate.sinceStart };
    case 'hold':
      return { kind: 'hold' };
    case 'open':
      return {
        kind: 'open',
        proven: gate.proven,
        ...(gate.standbys === '' ? {} : { standbys: standbysIn(gate.standbys) }),
      };
    case 'unknown':
      return { kind: 'unknown', why: gate.why };
  }
}
