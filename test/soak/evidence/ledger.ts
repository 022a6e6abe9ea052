/** What a row may hold: the number of its version, or null when it is not there. */
export type Version = number | null;

interface Entry {
  /** What may be there now. One only, unless something's outcome is unknown. */
  possible: Set<Version>;
  /** All that was ever there: what a replica may still show. */
  readonly past: Set<Version>;
}

/** Rows that were written in one transaction. */
export type Together = readonly string[];

/**
 * What must be in the database, going by the answers that were given. Each row has a tag of its own and one writer, so
 * that what it may hold is known exactly; only an unknown outcome leaves more than one possibility.
 */
export class Ledger {
  readonly #rows = new Map<string, Entry>();
  readonly #together: Together[] = [];

  get size(): number {
    return this.#rows.size;
  }

  /** The write was acknowledged. */
  done(tag: string, version: Version): void {
    const entry = this.#entry(tag);
    entry.possible = new Set([version]);
    entry.past.add(version);
  }

  /** The write may have been executed, or may yet be. A refused one changes nothing, and is not told. */
  unknown(tag: string, version: Version): void {
    const entry = this.#entry(tag);
    entry.possible.add(version);
    entry.past.add(version);
  }

  /** That these rows were inserted by one transaction, whatever came of it. */
  inserted(together: Together): void {
    this.#together.push(together);
  }

  /** What is wrong with a row that was read; `fresh`: it must be the newest. */
  complaint(tag: string, seen: Version, fresh: boolean): string | undefined {
    const { possible, past } = this.#entry(tag);
    const allowed = fresh ? possible : past;
    if (allowed.has(seen)) return undefined;
    return `${tag}: read ${show(seen)}, expected ${[...allowed].map(show).join(' or ')}`;
  }

  /** Compares with all rows there are, once everything has settled: tags and versions, in any order. */
  complaints(rows: Iterable<readonly [tag: string, version: number]>): string[] {
    const found = new Map<string, number>();
    const complaints: string[] = [];
    for (const [tag, version] of rows) {
      if (found.has(tag)) complaints.push(`${tag}: is there twice`);
      found.set(tag, version);
      if (!this.#rows.has(tag)) complaints.push(`${tag}: nobody wrote it`);
    }
    for (const tag of this.#rows.keys()) {
      const complaint = this.complaint(tag, found.get(tag) ?? null, true);
      if (complaint) complaints.push(complaint);
    }
    for (const tags of this.#together) {
      const there = tags.filter((tag) => found.has(tag));
      if (there.length > 0 && there.length < tags.length)
        complaints.push(`${tags.join(' and ')}: only ${there.join(', ')} is there, of one transaction`);
    }
    return complaints;
  }

  clear(): void {
    this.#rows.clear();
    this.#together.length = 0;
  }

  #entry(tag: string): Entry {
    let entry = this.#rows.get(tag);
    if (!entry) this.#rows.set(tag, (entry = { possible: new Set([null]), past: new Set([null]) }));
    return entry;
  }
}

const show = (version: Version) => (version === null ? 'nothing' : `version ${version}`);

/** The tag and version of a row, as its text. */
export const textOf = (tag: string, version: number) => `${tag}#${version}`;

export function parseText(text: string): readonly [tag: string, version: number] {
  const at = text.lastIndexOf('#');
  return [text.slice(0, at), Number(text.slice(at + 1))];
}
