import { boxesWith, type Box, type Topology } from '../../topology/model.js';

/** What a load balancer answers by itself, when no app did. */
export interface Trouble {
  /** The status it happens with, and so the name of its files. */
  readonly status: 502 | 504;
  /** RFC 9457: what programs tell troubles apart by. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** What a person does about it. */
  readonly advice: string;
  readonly commands: readonly { readonly where: string; readonly command: string }[];
}

export function troublesOf(topology: Topology, box: Box): Trouble[] {
  const example = `todomvc@${(boxesWith(topology, 'todomvc')[0] ?? box).name}`;
  return [
    {
      status: 502,
      type: 'urn:hotspare:problem:no-web-app',
      title: 'No web app is running',
      detail: `The load balancer on ${box.name} works, but no healthy todomvc behind it took the request. Whether a change that was on its way was stored is not known.`,
      advice: 'Start one, for example:',
      commands: [
        { where: 'In the lab', command: `npx hotspare lab start ${example}` },
        { where: 'On a box', command: 'sudo service todomvc start' },
      ],
    },
    {
      status: 504,
      type: 'urn:hotspare:problem:web-app-silent',
      title: 'The web app does not answer',
      detail: `The load balancer on ${box.name} works, and todomvc took the request, but did not answer in time. Whether a change was stored is not known.`,
      advice: 'It may be overloaded or frozen. See what it says, and restart it if need be:',
      commands: [
        { where: 'In the lab', command: `npx hotspare lab logs ${example}` },
        { where: 'On a box', command: 'sudo service todomvc restart' },
      ],
    },
  ];
}

/** The answer to a program. */
export function problemJson({ type, title, status, detail }: Trouble): string {
  return `${JSON.stringify({ type, title, status, detail })}\n`;
}
