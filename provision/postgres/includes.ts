/** `postgresql.conf` with these files included, each where it was or at its end; a later one beats an earlier one. */
export function withIncludes(text: string, files: readonly string[]): string {
  const lines = text.split('\n');
  const missing = files.map((file) => `include '${file}'`).filter((line) => !lines.includes(line));
  return missing.length === 0 ? text : `${text.replace(/\n*$/, '\n')}\n${missing.join('\n')}\n`;
}
