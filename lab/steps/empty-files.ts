import { readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hasContent } from '../../common/runtime/files/durable.js';
import type { Box } from '../../provision/topology/topology.js';
import type { Lab } from '../lab.js';

// What a power cut leaves: files with a name and no bytes, over which a program ends at its start.

/** Consul makes these anew, from its configuration or at random; but only where there is none. */
const madeAnew = ['node-id', 'serf/local.keyring', 'serf/remote.keyring'];

/** Without a byte in these Postgres does not start. */
const ofPostgres = ['PG_VERSION', 'global/pg_control'];

/** Removes what Consul makes anew; gives the paths. Consul must not be running. */
export function mendConsulData(folder: string): string[] {
  const empty = emptyFiles(folder).filter((name) => madeAnew.includes(name));
  return empty.map((name) => {
    rmSync(join(folder, name));
    return join(folder, name);
  });
}

/** Of a unit that has ended: which of its files are empty, and what to do; else an empty text. */
export function emptyFilesSentence(lab: Lab, unit: string): string {
  const [program, name] = unit.split('@');
  const { boxes, postgres } = lab.site.topology;
  const box = boxes.find((one) => one.name === name);
  if (box === undefined) return '';
  const paths = lab.site.pathsOf(box);
  switch (program) {
    case 'consul':
      return sentence(paths.consulData, emptyFiles(paths.consulData), `rm -r ${paths.consulData}`);
    case 'pg': {
      const empty = emptyFiles(paths.postgresData).filter((file) => ofPostgres.includes(file));
      return sentence(paths.postgresData, empty, newDatabase(box, postgres.firstPrimary, paths.postgresData));
    }
    default:
      return '';
  }
}

function newDatabase(box: Box, firstPrimary: string, data: string): string {
  return box.name === firstPrimary ? 'hotspare lab nuke' : `rm -r ${data}`;
}

function sentence(folder: string, empty: readonly string[], command: string): string {
  if (empty.length === 0) return '';
  const from = command.startsWith('rm')
    ? 'It gets its data from the other boxes once these are gone'
    : 'Restore them from a backup, or make everything anew, without its todos';
  return `\nEmpty, as after a power cut: ${empty.map((name) => join(folder, name)).join(', ')}. ${from}: ${command}, then "hotspare lab up".`;
}

/** Relative paths. A folder that is not there has none. */
function emptyFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && !hasContent(join(entry.parentPath, entry.name)))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  } catch {
    return [];
  }
}
