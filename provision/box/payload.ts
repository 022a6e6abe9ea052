import type { BoxFile } from '../files/box-file.js';
import { filesOf } from '../files/files.js';
import { programs, programsOn } from '../services/index.js';
import { placeOf } from '../services/program.js';
import { nodeFolder, packageFolder, releasesFolder } from '../site/programs.js';
import { system } from '../site/real-boxes.js';
import type { BoxesSite } from '../site/site.js';
import type { Box } from '../topology/model.js';

/** What a box is provisioned from, but for the scripts and packages. */
export interface Payload {
  /** box.env: the box's shell variables. */
  readonly environment: string;
  /** A line for each of `files`: CONCERN, MODE, OWNER, GROUP, PATH and perhaps `initial`, between tabs. */
  readonly manifest: string;
  /** What box/service.sh is to do, a line a step: STEP, UNIT, VERB, `ours` or `theirs`, PACKAGES, between tabs. */
  readonly plainSteps: string;
  /** Installed; the path is that on the box. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** Used while the box is provisioned, and not installed. */
  readonly staged: readonly { readonly name: string; readonly content: string }[];
}

/** The steps of one box, in the order they are taken. */
export function stepsOf(site: BoxesSite, box: Box): string[] {
  return programsOn(site, box).flatMap(({ steps }) => steps);
}

/** Pure but for reading the templates. */
export function payloadOf(site: BoxesSite, box: Box, templates: string): Payload {
  const files = filesOf(site, box, templates);
  const installed = files.filter(({ staged }) => !staged);
  return {
    environment: shellVariables(variablesOf(site, box)),
    manifest: installed.map(manifestLine).join(''),
    plainSteps: plainStepsOf(site, box),
    files: installed.map(({ path, content }) => ({ path, content })),
    staged: files.filter(({ staged }) => staged).map(({ path, content }) => ({ name: path, content })),
  };
}

/** Every account has a group of its name. */
function manifestLine({ concern, mode, owner, path, initialOnly }: BoxFile): string {
  const fields = [concern, mode.toString(8).padStart(4, '0'), owner, owner, path];
  return `${[...fields, ...(initialOnly ? ['initial'] : [])].join('\t')}\n`;
}

function plainStepsOf(site: BoxesSite, box: Box): string {
  return programsOn(site, box)
    .flatMap(({ steps, unit, plainStep }) => {
      if (!plainStep || !unit) return [];
      const { verb, isOurs, packages = [] } = plainStep;
      return `${[steps[0], unit(site), verb, isOurs ? 'ours' : 'theirs', packages.join(' ')].join('\t')}\n`;
    })
    .join('');
}

/** What the scripts need to know of their box. Lists are separated by blanks; truths are `true` and `false`. */
export function variablesOf(site: BoxesSite, box: Box): Record<string, string> {
  const place = placeOf(site, box);
  return {
    BOX: box.name,
    CONCERNS: stepsOf(site, box).join(' '),
    NODE: system.node,
    NODE_FOLDER: nodeFolder,
    PACKAGE_FOLDER: packageFolder,
    RELEASES_FOLDER: releasesFolder,
    ACCOUNTS: programs.flatMap(({ accounts = [] }) => accounts).join(' '),
    ...Object.assign({}, ...programsOn(site, box).map(({ variables }) => variables?.(place))),
  };
}

/** NAME='value' lines; a quote in a value is closed, escaped and opened again. */
export function shellVariables(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('');
}
