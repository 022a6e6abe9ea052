import type { Finding } from './model.js';

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'error');
}

/** For people: each finding on a line, what mends it indented below. Empty when there are none. */
export function renderFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const blocks = findings.map(({ severity, what, mend }) =>
    [`${severity}: ${what}`, ...mend.map((step) => `    ${step}`)].join('\n'),
  );
  return `${blocks.join('\n\n')}\n\n${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const counts = [count(errors, 'error'), count(warnings, 'warning')].filter(Boolean).join(', ');
  return errors > 0 ? `${counts}; nothing was created.` : `${counts}; going on.`;
}

const count = (n: number, word: string) => (n === 0 ? '' : `${n} ${word}${n === 1 ? '' : 's'}`);

/** For programs: the findings as one JSON document. */
export function findingsAsJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: !hasErrors(findings), findings }, null, 2)}\n`;
}
