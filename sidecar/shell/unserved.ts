import { targetKey } from '../../common/names.js';
import type { Use } from '../core/mode/eligible.js';
import type { State } from '../core/model.js';
import { few, trouble } from '../core/words/reasons.js';
import { account } from '../core/words/remarks.js';
import { DownError, ReadOnlyError } from '../errors.js';

/** What whoever waited for somebody to serve `use` hears when nobody came. */
export function unserved(use: Use, state: State, cause: Error | undefined): Error {
  if (use === 'primary' && state.mode === 'read-only')
    return new ReadOnlyError(`no primary to connect to: ${account(state)}`);
  const said = [...state.members.values()].flatMap(({ target, standing }) =>
    standing.kind === 'gone' ? [`${targetKey(target)} ${trouble(standing.trouble)}`] : [],
  );
  const detail = few(said);
  const what = use === 'replica' ? 'no replica can be reached' : 'no member can be reached';
  return new DownError(`${what}: ${account(state)}${detail && ` (${detail})`}`, cause);
}
