import { targetKey } from '../../../common/names.js';
import type { Member, State } from '../model.js';
import { moveAfterMs } from '../members/moving.js';
import { few, sentence, withheldText } from './reasons.js';
import { foreign, idOf, systemOf } from '../members/system.js';

/** Why the mode is what it is, and what else somebody should know who asks. */
export const account = (state: State): string =>
  [sentence(state.reason), ...foreigners(state), ...withheld(state), ...crowd(state)].join('; ');

/** How a member of another database is described; goes after its name. */
export function stranger(state: State, member: Member): string {
  const { told } = member;
  const what = told ? (told.role === 'primary' ? 'the primary' : 'a replica') : 'a member';
  return `is ${what} of another database (system identifier ${systemOf(member)}, ours is ${idOf(state.system)}) and is not used`;
}

function foreigners(state: State): string[] {
  const seen = [...state.members.values()].filter(
    (member) => member.standing.kind === 'proven' && foreign(state, member),
  );
  if (seen.length === 0) return [];
  const names = seen.map((member) => `${targetKey(member.target)} ${stranger(state, member)}`);
  const advice = whatToDo(state);
  return [few(names) + (advice && `: ${advice}`)];
}

/**
 * Nothing, while the catalogue lists a member of ours. A restart alone does not help where there is a file of last known members: it
 * names our database. With static `hosts` there is neither a file nor Consul.
 */
function whatToDo(state: State): string {
  const { system, members, elsewhere } = state;
  const listed = [...members.values()].filter((member) => member.listed.length > 0);
  if (!listed.some((member) => foreign(state, member))) return '';
  if (!listed.every((member) => foreign(state, member))) return '';
  if (elsewhere)
    return `it will be used once Consul's HTTP API has listed no other for ${moveAfterMs / 1000} s`;
  const [id, ...others] = new Set(listed.map(systemOf));
  if (others.length > 0)
    return 'to use one of these databases, set hotspare.systemId to its system identifier and restart this process';
  const bySetting = `to use that database, set hotspare.systemId to ${id} and restart this process`;
  if ((system.kind === 'own' && system.by === 'option') || hasStaticHosts(state)) return bySetting;
  return `${bySetting}; or delete the file of last known members and restart it; or give it access to Consul's HTTP API`;
}

/** Only lookups in Consul are noted. */
const hasStaticHosts = ({ lookups, system }: State): boolean =>
  lookups.primary === null && lookups.replica === null && !(system.kind === 'own' && system.by === 'memory');

const crowd = ({ members, waiting }: State): string[] =>
  waiting.size === 0 ? [] : [`${waiting.size} more are listed than the ${members.size} that are followed`];

/** What members do not say, though they are asked. */
function withheld(state: State): string[] {
  const silent = [...state.members.values()].flatMap(({ target, standing, told }) =>
    standing.kind === 'proven' && told?.withheld
      ? [`${targetKey(target)} ${withheldText(told.withheld)}`]
      : [],
  );
  return silent.length === 0 ? [] : [few(silent)];
}
