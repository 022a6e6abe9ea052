import type { FailoverEvent } from '../../common/failover/shapes.js';

const width = 80;

/** An event for a person, in lines of at most 80 columns where its words allow it. Pure. */
export function eventLines(event: FailoverEvent): string[] {
  const { atMs, kind, member, epoch, cause, changed, evidence, bytes, rule } = event;
  const head = `${new Date(atMs).toISOString()}  epoch ${epoch}  ${member} ${kind}`;
  const details = [
    cause,
    ...(changed === undefined ? [] : [changed]),
    ...(evidence === undefined && bytes === undefined
      ? []
      : [[evidence, ...(bytes === undefined ? [] : [`(${bytes} bytes)`])].join(' ').trim()]),
  ];
  return [`${head}  (${rule})`, ...details.flatMap((text) => wrapped(text, '    '))];
}

/** The text in lines, each behind `indent`, those after the first two columns further in; what stands in quotes is not broken. Pure. */
export function wrapped(text: string, indent: string, columns = width): string[] {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  for (const word of text.match(/"[^"]*"[^ ]*|[^ ]+/g) ?? []) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = `${indent}  `;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
