import { dirname, join } from 'node:path';
import { inSmallHeap, smallHeap, type NodeCommand, type Place, type Program } from './program.js';

const unit = 'hotspare-keeper.service';
/** Who is in it may open the keeper's socket: the keeper's process and the agent's, and no account for good. */
export const keeperGroup = 'hotspare-keeper';
const owner = 'postgres';

const configOf = ({ paths }: Place) => join(paths.config, 'keeper.yaml');
const agentConfigOf = ({ paths }: Place) => join(paths.config, 'agent.yaml');
/** There while the member is managed (docs/KEEPER.md); without it a start of Postgres needs nothing of ours. */
const managedFlag = ({ paths }: Place) => join(paths.keeperState, 'managed');

/** How the keeper is told where it stands and, when root starts it, as whom to run. */
const argumentsOf = (place: Place) => [
  ...(place.site.supervisor === 'processes' && place.site.postgresAccount ? ['--user', owner] : []),
  '--config',
  configOf(place),
];

/** What the lab does before each start of Postgres; on real boxes ExecStartPre= does the same. */
export function beforePostgres(place: Place, node: NodeCommand) {
  return {
    ifThere: managedFlag(place),
    command: node('keeper/main.js', 'prepare-start', ...argumentsOf(place)),
  };
}

/** What the lab does before it stops Postgres, and not the whole lab; on real boxes ExecStop= does the same. */
export function beforePostgresStop(place: Place, node: NodeCommand) {
  return {
    ifThere: managedFlag(place),
    command: node('cli/hand-over.js', 'pg', '--config', agentConfigOf(place)),
  };
}

export const beforePostgresValues = (place: Place) => ({
  flag: managedFlag(place),
  /** There while a rejoin is half done. */
  rejoin: join(place.paths.keeperState, 'rewinding'),
  config: configOf(place),
  agentConfig: agentConfigOf(place),
});

/** Does what the agent orders with Postgres, on the boxes that have one (docs/KEEPER.md). */
export const keeper: Program = {
  name: 'keeper',
  steps: ['keeper'],
  // Before Postgres: a gate or a drain that ran out meanwhile is its to end.
  order: 15,
  isOn: (_site, box) => box.services.includes('pg'),
  unit: () => unit,
  process: (place, node) => ({
    // By itself it becomes the account of Postgres, which need not be able to read where hotspare and Node lie.
    command: inSmallHeap(node('keeper/main.js', ...argumentsOf(place))),
  }),
  folders: ({ keeperState, postgresData, postgresSockets }) => [
    // A member without data is cloned into it.
    { path: dirname(postgresData), mode: 0o755, owner },
    { path: keeperState, mode: 0o700, owner },
    { path: postgresSockets, mode: 0o700, owner },
  ],
  values: (place) => ({
    keeper: {
      group: place.site.supervisor === 'systemd' ? keeperGroup : null,
      postgresBin: place.site.binaries.postgresBin,
      smallHeap,
    },
  }),
  files: ({ paths }, { rendered, unit: unitFile }) => [
    rendered(join(paths.config, 'keeper.yaml'), 'keeper.yaml.hbs'),
    ...unitFile(unit, 'hotspare-keeper.service.hbs'),
  ],
  variables: () => ({ KEEPER_GROUP: keeperGroup }),
};
