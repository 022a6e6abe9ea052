// What the page says about its database, as data. Pure.

/** One read that fails is not worth a word: it is repeated a second later. */
const failuresToTell = 2;

/**
 * The banner's lines, the most important first; none while all is well.
 * `state`: { mode, since: Date|null, reason, live, unsaved: { count, why }, notice, nothingRead, readFailures }
 */
export function bannerLines(state, now) {
  const lines = [];
  if (state.mode === 'read-only')
    lines.push({
      tone: 'read-only',
      title: `Read-only${since(state.since, now)}`,
      text: `The primary database cannot be reached. ${shownWhileReadOnly(state)}; changing it is off until a primary is back. What you typed stays here.`,
      detail: state.reason,
    });
  if (state.mode === 'down')
    lines.push({
      tone: 'down',
      title: `No database${since(state.since, now)}`,
      text: state.nothingRead
        ? 'Neither the primary nor its hot spare can be reached, and this page has not read the list yet. It appears by itself as soon as one of them is back.'
        : 'Neither the primary nor its hot spare can be reached. You see what was read last; this page goes on by itself.',
      detail: state.reason,
    });
  if (state.mode === 'read-write' && state.live && state.readFailures >= failuresToTell)
    lines.push({
      tone: 'note',
      waiting: true,
      title: 'The list could not be read',
      text: `${state.nothingRead ? 'Todos that are stored do not show yet' : 'You see what was read last'}. Trying again.`,
    });
  if (!state.live)
    lines.push({
      tone: 'note',
      waiting: true,
      title: 'Reconnecting',
      text: 'The connection for live updates was lost. Trying again.',
    });
  if (state.unsaved.count > 0)
    lines.push({
      tone: 'note',
      waiting: true,
      title:
        state.unsaved.count === 1
          ? '1 change is not saved yet'
          : `${state.unsaved.count} changes are not saved yet`,
      text: `${state.unsaved.why} It is sent again by itself, and never stored twice.`,
    });
  if (state.notice) lines.push({ tone: 'note', title: 'Not done', text: state.notice });
  return lines;
}

function shownWhileReadOnly({ nothingRead, readFailures }) {
  if (nothingRead) return 'The hot spare’s copy of the list has not been read yet';
  return readFailures === 0 ? 'You see the hot spare’s copy' : 'You see what was read last';
}

/** Said, not shown, as the banner just goes: what changed from state `before`; null while nothing is to be said. */
export function backLine(before, state) {
  if (before === undefined || before.mode === state.mode) return null;
  return state.mode === 'read-write' ? 'The database can be written again.' : '';
}

/** Local time, with the date when it was not today. */
function since(date, now) {
  if (date === null) return '';
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const day = date.toDateString() === now.toDateString() ? '' : `${date.toLocaleDateString()}, `;
  return ` since ${day}${time}`;
}

export function itemsLeft(active) {
  return active === 1 ? 'item left' : 'items left';
}

/** The small print: which box answered last, and where it read. */
export function servedLine({ servedBy, mode, readFrom, readRole }) {
  const role = { primary: 'primary', replica: 'hot spare' }[readRole];
  const parts = [
    servedBy && `Served by ${servedBy}`,
    mode,
    readFrom && `read from ${readFrom}${role ? ` (${role})` : ''}`,
  ];
  return parts.filter(Boolean).join(' · ');
}
