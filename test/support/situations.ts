/** One heading of FAILOVER.md's situations, with the commands of its blocks. */
export interface Situation {
  readonly title: string;
  readonly blocks: readonly (readonly string[])[];
}

/** What the part under "## Situations" tells an operator to type. */
export function situationsIn(markdown: string): Situation[] {
  const [, part = ''] = /^## Situations\n(.*?)^## /ms.exec(markdown) ?? [];
  return part
    .split(/^### /m)
    .slice(1)
    .map((text) => ({
      title: text.slice(0, text.indexOf('\n')),
      blocks: [...text.matchAll(/^```\n(.*?)^```$/gms)].map(([, lines = '']) => lines.trim().split('\n')),
    }));
}
