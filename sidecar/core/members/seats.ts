import { newMember } from './members.js';
import type { Effect, Member, State } from '../model.js';
import { foreign } from './system.js';

/** So many members are followed, with a monitor each. Who else is listed waits for a place. */
export const mostFollowed = 64;

type Members = ReadonlyMap<string, Member>;
export type Seats = Pick<State, 'members' | 'waiting'>;

export const everybody = ({ members, waiting }: Seats): Map<string, Member> =>
  new Map([...members, ...waiting]);

export const somebodyListed = (all: Members): boolean =>
  [...all.values()].some((member) => member.listed.length > 0);

/** Has nothing to show for its place. */
const idle = (state: State, member: Member): boolean =>
  (member.standing.kind === 'gone' && member.told === null) || foreign(state, member);

/** Lower comes first: who has proved itself, who is listed and followed already, who waits, and last who is in no list. */
function rank(state: State, key: string, member: Member): number {
  if (member.told !== null && !foreign(state, member)) return 0;
  if (member.listed.length === 0) return 3;
  return state.members.has(key) ? 1 : 2;
}

/** Gives the places to `all`, who are known now. Who has none and is in no list is forgotten. */
export function seated(state: State, all: Members): { seats: Seats; effects: Effect[] } {
  if (all.size <= mostFollowed && state.waiting.size === 0)
    return { seats: { members: all, waiting: none }, effects: changes(state, all) };
  const ranked = [...all].map(([key, member]) => ({ key, member, rank: rank(state, key, member) }));
  ranked.sort((a, b) => a.rank - b.rank);
  const entries = ranked.map(({ key, member }): [string, Member] => [key, member]);
  const members = new Map(entries.slice(0, mostFollowed));
  const waiting = new Map(
    entries
      .slice(mostFollowed)
      .filter(([, { listed }]) => listed.length > 0)
      .map(([key, { target, listed, published }]) => [key, { ...newMember(target), listed, published }]),
  );
  return { seats: { members, waiting }, effects: changes(state, members) };
}

/** Who has not answered leaves its place to the next that waits, and waits again. */
export function rotated(state: State): { seats: Seats; effects: Effect[] } {
  const { members, waiting } = state;
  const leaving = [...members].filter(([, member]) => idle(state, member)).slice(0, waiting.size);
  if (leaving.length === 0) return { seats: state, effects: [] };
  const gone = new Set(leaving.map(([key]) => key));
  const staying = [...members].filter(([key]) => !gone.has(key));
  const entering = [...waiting].slice(0, leaving.length);
  const back = leaving
    .filter(([, { listed }]) => listed.length > 0)
    .map(([key, { target, listed, published }]): [string, Member] => [
      key,
      { ...newMember(target), listed, published },
    ]);
  const next = new Map([...staying, ...entering]);
  const queue = new Map([...[...waiting].slice(leaving.length), ...back]);
  return { seats: { members: next, waiting: queue }, effects: changes(state, next) };
}

const none: Members = new Map();

function changes(before: State, members: Members): Effect[] {
  const effects: Effect[] = [];
  for (const [key, { target }] of members)
    if (!before.members.has(key)) effects.push({ do: 'watch', target });
  for (const [key, { target }] of before.members)
    if (!members.has(key)) effects.push({ do: 'unwatch', target });
  return effects;
}
