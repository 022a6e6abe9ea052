import type { Action, CatalogueEntry, CatalogueView } from '../core/model.js';
import type { ConsulTrouble } from '../core/publish/attempt.js';

type Known = CatalogueEntry | 'absent';

/**
 * What this box's Consul agent holds, put together from lists and from our own writes. A list that was asked for before a
 * write had ended says nothing of what that write was about.
 */
export class Held {
  private entries: ReadonlyMap<string, CatalogueEntry> | undefined;
  private why: 'not-yet' | ConsulTrouble = 'not-yet';
  /** What we wrote, and when that was done (monotonic ms); until a list that was asked for later. */
  private readonly written = new Map<string, { readonly known: Known; readonly doneMs: number }>();
  /** A list that was asked for before tells nothing any more, monotonic ms. */
  private notBeforeMs = -Infinity;

  /** Whether the newest list was of any use. */
  get isComplete(): boolean {
    return this.entries !== undefined;
  }

  all(): readonly CatalogueEntry[] {
    return [...(this.entries?.values() ?? [])];
  }

  view(id: string): CatalogueView {
    if (!this.entries) return { kind: 'unread', why: this.why };
    const entry = this.entries.get(id);
    return entry ? { kind: 'present', entry } : { kind: 'absent' };
  }

  read(found: readonly CatalogueEntry[], askedMs: number): void {
    if (askedMs < this.notBeforeMs) return;
    const before = this.entries;
    const entries = new Map(found.map((entry) => [entry.id, withRefreshed(entry, before?.get(entry.id))]));
    for (const [id, { doneMs, known }] of this.written) {
      if (doneMs <= askedMs) this.written.delete(id);
      else put(entries, id, known);
    }
    this.entries = entries;
  }

  wrote(action: Action, askedMs: number, doneMs: number): void {
    if (!this.entries) {
      // A list under way may be of the time before.
      this.notBeforeMs = doneMs;
      return;
    }
    const id = action.kind === 'register' ? action.registration.id : action.id;
    const known = after(this.entries.get(id), action, askedMs);
    if (known === undefined) return;
    const entries = new Map(this.entries);
    put(entries, id, known);
    this.entries = entries;
    this.written.set(id, { known, doneMs });
  }

  /** Nothing is known until a list comes that is asked for from now on. */
  forget(why: ConsulTrouble, nowMs: number): void {
    this.entries = undefined;
    this.why = why;
    this.notBeforeMs = nowMs;
    this.written.clear();
  }
}

function put(entries: Map<string, CatalogueEntry>, id: string, known: Known): void {
  if (known === 'absent') entries.delete(id);
  else entries.set(id, known);
}

/** What stands there after our own write. */
function after(before: CatalogueEntry | undefined, action: Action, askedMs: number): Known | undefined {
  switch (action.kind) {
    case 'register': {
      const { checkTtlMs: _, initialStatus, ...entry } = action.registration;
      const { status, text } = before?.check ?? { status: initialStatus, text: '' };
      // To register is not to refresh: that is still to come.
      return { ...entry, check: { status, text, refreshedMs: undefined } };
    }
    case 'update-check':
      return (
        before && { ...before, check: { status: action.status, text: action.text, refreshedMs: askedMs } }
      );
    case 'deregister':
      return 'absent';
  }
}

/** A list does not tell when a check was refreshed; what we know of that stays. */
function withRefreshed(entry: CatalogueEntry, before: CatalogueEntry | undefined): CatalogueEntry {
  if (!entry.check || !before?.check) return entry;
  return { ...entry, check: { ...entry.check, refreshedMs: before.check.refreshedMs } };
}
