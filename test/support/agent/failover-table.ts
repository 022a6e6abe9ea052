import type { Row } from '../../../agent/core/lead/row.js';

const code = (text: string) => `\`${text}\``;
const listed = (names: readonly string[] | 'any') => (names === 'any' ? 'any' : names.join(', '));

/** The rows of the lead as docs/FAILOVER.md shows them. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ id, in: where, lease, condition, doing, rules }) =>
    [code(id), listed(where), listed(lease), condition ?? '', doing, rules.join(', ')].join(' | '),
  );
  return [
    '| row | member is | lease | when | then | rules |',
    '|---|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}
