import { targetKey } from '../../common/names.js';
import type { Member, State } from './model.js';
import { moveAfterMs } from './moving.js';
import { few, sentence } from './reasons.js';
import { foreign, idOf, systemOf } from './system.js';

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

/** Nothing, while the catalogue lists a member of ours. */
function whatToDo(state: State): string {
  const { system, members, elsewhere } = state;
  const listed = [...members.values()].filter((member) => member.listed.length > 0);
  if (!listed.some((member) => foreign(state, member))) return '';
  if (!listed.every((member) => foreign(state, member))) return '';
  if (system.kind === 'own' && system.by === 'option') return 'to use it, change the option systemId';
  if (elsewhere)
    return `it will be used once Consul's HTTP API has listed no other for ${moveAfterMs / 1000} s`;
  const file =
    system.kind === 'own' && system.by === 'memory' ? ' without the file of last known members' : '';
  return `to use it, restart this process${file}, set systemId, or let it reach Consul's HTTP API`;
}

const crowd = ({ members, waiting }: State): string[] =>
  waiting.size === 0 ? [] : [`${waiting.size} more are listed than the ${members.size} that are followed`];

/** What members do not say, though they are asked. */
function withheld(state: State): string[] {
  const silent = [...state.members.values()].flatMap(({ target, standing, told }) =>
    standing.kind === 'proven' && told?.withheld
      ? [`${targetKey(target)} does not tell all: ${told.withheld}`]
      : [],
  );
  return silent.length === 0 ? [] : [few(silent)];
}
