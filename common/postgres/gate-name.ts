/** What a managed member's `synchronous_standby_names` says of its gate (docs/KEEPER.md, "The gate"). Pure. */

/** `gate`: closed. `hold`: closed by the holder itself, for at most two seconds. */
export type GateKind = 'gate' | 'hold';

/** `mark` differs at each closing. */
export const gateName = (kind: GateKind, mark: string): string => `hotspare ${kind} ${mark}`;

/** Undefined: the value names no gate. `value`: as Postgres shows it, with the quotes. */
export function gateIn(value: string): GateKind | undefined {
  const [, kind] = /^\s*"hotspare (gate|hold) [^"]*"\s*$/.exec(value) ?? [];
  return kind as GateKind | undefined;
}
