import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/index.js';
import type { Io } from './io.js';

/** How to call the command for this lab from another terminal. */
export function commandFor(lab: Lab, environment: Io['environment'], text: string): string {
  return `${variablesFor(lab, environment)}npx hotspare ${text}`;
}

function variablesFor({ settings }: Lab, environment: Io['environment']): string {
  const offset = settings.portOffset === 0 ? '' : `HOTSPARE_PORT_OFFSET=${settings.portOffset} `;
  const directory =
    environment['HOTSPARE_LAB_DIR'] === undefined ? '' : `HOTSPARE_LAB_DIR=${settings.directory} `;
  return `${offset}${directory}`;
}

/** The one screen a person sees when the boxes are up. */
export function welcome(lab: Lab, environment: Io['environment'], how: 'attached' | 'detached'): string {
  const command = (text: string) => commandFor(lab, environment, text);
  const [first = '', ...others] = lab.urls.todo;
  const example = join('examples', 'watch.mjs');
  const tries: (readonly [string, string])[] = [
    // Not part of the package, so only in a checkout.
    ...(existsSync(example)
      ? ([[`${variablesFor(lab, environment)}node ${example}`, 'what an app sees, line by line']] as const)
      : []),
    [command('lab stop todomvc@nginx1'), 'both pages go on, served by nginx2'],
    [command('status'), 'who is primary, who follows, how far behind'],
    [command('switchover'), 'the primary moves; the page goes on'],
    [command('lab kill pg@pg1'), 'if pg1 is the primary, the page turns read-only at once'],
    [command('lab start pg@pg1'), '… and back'],
    [command('lab freeze pg@pg1'), 'a hung primary; "thaw" ends it'],
    [command('lab stop consul@all'), 'nothing happens: that is the point'],
  ];
  const width = Math.max(...tries.map(([text]) => text.length));
  return `
  todo list   ${first}
${others.map((url) => `              ${url}   the same list through another load balancer\n`).join('')}\
  Consul UI   ${lab.urls.consul}

  Things to try
${tries.map(([text, what]) => `    ${text.padEnd(width)}   ${what}`).join('\n')}

  ${how === 'attached' ? 'Ctrl-C stops everything.' : `Stop everything: ${command('lab down')}`}
`;
}
