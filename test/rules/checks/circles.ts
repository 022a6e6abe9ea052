import { importsOf, meant, type Source } from './sources.js';

/** Files that import each other in a circle, `import type` counted: each circle as the way around. */
export function circles(sources: readonly Source[]): string[] {
  const imports = new Map(
    sources.map(({ file, text }) => [
      file,
      importsOf(text)
        .filter((wanted) => wanted.startsWith('.'))
        .map((wanted) => meant(file, wanted)),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(' -> '));
    else if (!done.has(file)) for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const { file } of sources) visit(file, []);
  return found;
}
