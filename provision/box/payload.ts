import type { BoxFile, Concern } from '../files/box-file.js';
import { firstPrimaryOf, slotName } from '../files/context.js';
import { filesOf } from '../files/files.js';
import { nodeFolder, packageFolder, releasesFolder } from '../site/programs.js';
import { system } from '../site/real-boxes.js';
import { addressOf, portOf, type BoxesSite } from '../site/site.js';
import { boxesWith, type Box } from '../topology/topology.js';
import { isDnsBox } from '../services/units.js';

/** What a box is provisioned from, but for the scripts and packages. */
export interface Payload {
  /** box.env: the box's shell variables. */
  readonly environment: string;
  /** A line for each of `files`: CONCERN, MODE, OWNER, GROUP, PATH and perhaps `initial`, between tabs. */
  readonly manifest: string;
  /** Installed; the path is that on the box. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** Used while the box is provisioned, and not installed. */
  readonly staged: readonly { readonly name: string; readonly content: string }[];
}

/** A part of provisioning: its script is NAME.sh. `node` and `hotspare` have no files of the renderer's. */
export type Step = Concern | 'node' | 'hotspare';

/** The steps of one box, in the order they are taken. */
export function stepsOf(site: BoxesSite, box: Box): Step[] {
  const has = (service: Box['services'][number], step: Step): Step[] =>
    box.services.includes(service) ? [step] : [];
  return [
    'common',
    'node',
    'hotspare',
    'consul',
    ...has('pg', 'postgres'),
    ...has('nginx', 'nginx'),
    ...(isDnsBox(site.topology, box) ? (['dns'] as const) : []),
    'agent',
    ...has('todomvc', 'todomvc'),
  ];
}

/** Pure but for reading the templates. */
export function payloadOf(site: BoxesSite, box: Box, templates: string): Payload {
  const files = filesOf(site, box, templates);
  const installed = files.filter(({ staged }) => !staged);
  return {
    environment: shellVariables(variablesOf(site, box)),
    manifest: installed.map(manifestLine).join(''),
    files: installed.map(({ path, content }) => ({ path, content })),
    staged: files.filter(({ staged }) => staged).map(({ path, content }) => ({ name: path, content })),
  };
}

/** Every account has a group of its name. */
function manifestLine({ concern, mode, owner, path, initialOnly }: BoxFile): string {
  const fields = [concern, mode.toString(8).padStart(4, '0'), owner, owner, path];
  return `${[...fields, ...(initialOnly ? ['initial'] : [])].join('\t')}\n`;
}

/** What the scripts need to know of their box. Lists are separated by blanks; truths are `true` and `false`. */
export function variablesOf(site: BoxesSite, box: Box): Record<string, string> {
  const { topology } = site;
  const address = (other: Box) => addressOf(site, other);
  const others = boxesWith(topology, 'pg').filter(({ name }) => name !== box.name);
  const primary = firstPrimaryOf(topology);
  return {
    BOX: box.name,
    CONCERNS: stepsOf(site, box).join(' '),
    NODE: system.node,
    NODE_FOLDER: nodeFolder,
    PACKAGE_FOLDER: packageFolder,
    RELEASES_FOLDER: releasesFolder,
    POSTGRES_MAJOR: String(site.binaries.postgresMajor),
    POSTGRES_PORT: String(portOf(site, 'postgres')),
    PG_OTHERS: others.map((other) => `${other.name}=${address(other)}`).join(' '),
    IS_FIRST_PRIMARY: String(box.name === primary.name),
    PRIMARY: primary.name,
    PRIMARY_ADDRESS: address(primary),
    SLOT: slotName(box.name),
  };
}

/** NAME='value' lines; a quote in a value is closed, escaped and opened again. */
export function shellVariables(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('');
}
