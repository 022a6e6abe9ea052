import type { Source } from './sources.js';

/** Files of more lines than a person reads in one sitting. */
export const tooLong = (sources: readonly Source[], mostLines: number): string[] =>
  sources
    .map(({ file, text }) => ({ file, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > mostLines)
    .map(({ file, lines }) => `${file} has ${lines} lines`);
