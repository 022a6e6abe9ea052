import { readFileSync } from 'node:fs';

/** The version in package.json, whether run from the sources or from dist. */
export function hotspareVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'hotspare' && version) return version;
    } catch {
      // The other place, then.
    }
  }
  return 'unknown';
}
