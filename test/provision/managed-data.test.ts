import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

/** What the script of a box does for the data of a member, with stand-ins for all that would touch a Postgres. */

const folder = mkdtempSync(join(tmpdir(), 'hotspare-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Situation {
  readonly managed?: boolean;
  readonly first?: boolean;
  /** Others, and what each says: primary, standby, or nothing. */
  readonly others?: Readonly<Record<string, 'primary' | 'standby' | 'silent'>>;
  readonly recorded?: 'yes' | 'no' | 'unknown';
}

function done({ managed = true, first = false, others = {}, recorded = 'no' }: Situation): string {
  const answers = (which: readonly string[], yes: string, no: string) =>
    Object.entries(others)
      .map(([name, says]) => `${name}) ${which.includes(says) ? yes : no} ;;`)
      .join(' ');
  const script = `
    set -euo pipefail
    BOX=pg1 IS_MANAGED=${managed} IS_FIRST_PRIMARY=${first} PRIMARY=pg1 PRIMARY_ADDRESS=pg1 SLOT=pg1 POSTGRES_MAJOR=15 POSTGRES_DATA=/data POSTGRES_SETTINGS=/settings POSTGRES_PROGRAMS=/programs POSTGRES_PORT=5432
    PG_OTHERS='${Object.keys(others)
      .map((name) => `${name}=${name}`)
      .join(' ')}' payload=${folder} stamps=${folder} NODE=false
    fail() { echo "failed: $*"; exit 0; }
    say() { :; }
    . provision/box/lib-postgres.sh
    trap - EXIT
    data=${folder}/data
    install() { :; }
    rmdir() { :; }
    mv() { :; }
    touch() { echo "touched \${1##*/}"; }
    sleep() { SECONDS=1000; }
    member_at() { echo "$1"; }
    as_postgres() { case $6 in "host="*) exit 9 ;; esac; for word; do case "$word" in *' dbname='*) host=\${word%% *} ;; esac; done
      case "$host" in ${answers(['primary'], 'echo f', 'echo t')} *) return 1 ;; esac; }
    ask() { case "$1" in ${answers(['primary', 'standby'], 'return 0', 'return 1')} *) return 1 ;; esac; }
    is_recorded() { echo ${recorded}; }
    make_from_nothing() { echo 'made from nothing'; }
    copy_of() { echo "copy of $1"; }
    fresh_slot() { echo 'fresh slot'; }
    wait_for_primary() { :; }
    make_data`;
  return execFileSync('/bin/bash', ['-c', script], { encoding: 'utf8' }).trim();
}

test.each<[string, Situation, string | RegExp]>([
  ['the first box of all', { first: true, others: { pg2: 'silent' } }, 'made from nothing'],
  ['another, while the first is primary', { others: { pg0: 'primary' } }, 'copy of pg0'],
  [
    'the first one again, while another is primary: none is promoted',
    { first: true, others: { pg2: 'primary' } },
    'copy of pg2',
  ],
  ['whoever is primary, not whoever answers first', { others: { a: 'standby', b: 'primary' } }, 'copy of b'],
  [
    'the first one again, while the others are standbys: it makes no second database',
    { first: true, others: { pg2: 'standby' } },
    /^failed: no other member is primary/,
  ],
  [
    'the first one again, while nobody answers, and Consul knows that there was a database',
    { first: true, others: { pg2: 'silent' }, recorded: 'yes' },
    /^failed: no other member is primary/,
  ],
  [
    'another than the first, and nobody answers',
    { others: { pg0: 'silent' } },
    /^failed: .*hotspare promote/,
  ],
  [
    'observed: the first one, while another has the data',
    { managed: false, first: true, others: { pg2: 'standby' } },
    'copy of pg2\ntouched promotion-wanted',
  ],
  [
    'observed: another than the first',
    { managed: false, others: { pg0: 'primary' } },
    'fresh slot\ncopy of pg1',
  ],
])('%s', (_, situation, result) => {
  if (typeof result === 'string') expect(done(situation)).toBe(result);
  else expect(done(situation)).toMatch(result);
});
