// What the page says about its database, as data. Pure.

/**
 * The banner's lines, the most important first; none while all is well.
 * `state`: { mode, since: Date|null, reason, live, unsaved: { count, why }, notice }
 */
export function bannerLines(state, now) {
  const lines = [];
  if (state.mode === 'read-only')
    lines.push({
      tone: 'read-only',
      title: `Read-only${since(state.since, now)}`,
      text: 'The primary database cannot be reached. You see the hot spare’s copy; changing it is off until a primary is back. What you typed stays here.',
      detail: state.reason,
    });
  if (state.mode === 'down')
    lines.push({
      tone: 'down',
      title: `No database${since(state.since, now)}`,
      text: 'Neither the primary nor its hot spare can be reached. You see what was read last; this page goes on by itself.',
      detail: state.reason,
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
