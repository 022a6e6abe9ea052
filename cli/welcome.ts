import type { Lab } from '../lab/index.js';

/** The one screen a person sees when the boxes are up. */
export function welcome(lab: Lab, how: 'attached' | 'detached'): string {
  const prefix = lab.settings.portOffset === 0 ? '' : `HOTSPARE_PORT_OFFSET=${lab.settings.portOffset} `;
  const command = (text: string) => `${prefix}npx hotspare ${text}`;
  const [first = '', second = ''] = lab.urls.todo;
  const tries: [string, string][] = [
    [command('lab stop todomvc@nginx1'), 'both pages go on, served by nginx2'],
    [command('lab kill pg@pg1'), 'the page turns read-only at once'],
    [command('lab start pg@pg1'), '… and back'],
    [command('lab freeze pg@pg1'), 'a hung primary; "thaw" ends it'],
    [command('lab stop consul@all'), 'nothing happens: that is the point'],
    [command('status'), 'who is primary, who follows, how far behind'],
  ];
  const width = Math.max(...tries.map(([text]) => text.length));
  return `
  todo list   ${first}
              ${second}   the same list through the other load balancer
  Consul UI   ${lab.urls.consul}

  Things to try
${tries.map(([text, what]) => `    ${text.padEnd(width)}   ${what}`).join('\n')}

  ${how === 'attached' ? 'Ctrl-C stops everything.' : `Stop everything: ${command('lab down')}`}
`;
}
