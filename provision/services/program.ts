import type { ProcessUnit } from '../../common/runtime/processes/unit.js';
import type { BoxFile, Owner } from '../files/box-file.js';
import { addressOf, type BoxPaths, type LabSite, type Site } from '../site/site.js';
import type { Box, Topology } from '../topology/model.js';

/** One box of one site. */
export interface Place<S extends Site = Site> {
  readonly site: S;
  readonly box: Box;
  readonly address: string;
  readonly paths: BoxPaths;
}

export function placeOf<S extends Site>(site: S, box: Box): Place<S> {
  return { site, box, address: addressOf(site, box), paths: site.pathsOf(box) };
}

type FileSettings = Partial<Pick<BoxFile, 'mode' | 'owner' | 'initialOnly' | 'staged'>>;

/** Makes a program's files; they belong to root and may be read by all unless told otherwise. */
export interface Maker {
  /** `values`: what the template may use besides the program's own. */
  rendered(path: string, template: string, settings?: FileSettings, values?: object): BoxFile;
  verbatim(path: string, content: string, settings?: FileSettings): BoxFile;
  /** 0600: only the owner reads it. */
  secret(path: string, content: string, owner: Owner): BoxFile;
  /** A file below the folder of systemd's units; none where the site writes no units. */
  unit(name: string, template: string): BoxFile[];
  /** A template as it is, for whoever renders it later. */
  source(template: string): string;
}

/** The text by which a set of boxes is called in docs/PORTS.md. `NAME boxes`: those with that service. */
export type BoxSet = 'all boxes' | 'Consul servers' | 'the DNS box' | `${string} boxes`;
export type Source = 'anywhere' | 'management' | BoxSet;

/** One thing that may be reached from outside a real box. */
export interface Opening {
  readonly what: string;
  readonly port: number;
  readonly protocols: readonly ('tcp' | 'udp')[];
  readonly on: BoxSet;
  readonly from: readonly Source[];
}

export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** How the lab runs it; what is left out is the same for every program. */
export type Process = Pick<ProcessUnit, 'command'> &
  Partial<Omit<ProcessUnit, 'command' | 'name' | 'workingDirectory' | 'logFile'>> & {
    /** Lines of NAME=value, as systemd's EnvironmentFile. */
    readonly environmentFile?: string;
  };

/** What the agent of its box does for it. */
export interface Registration {
  /** Of agent/core/kinds. */
  readonly kind: string;
  /** The kind's own settings, as docs/AGENT.md has them. */
  readonly settings: object;
}

/** A file that the agent keeps from Consul's catalogue. */
export interface Kept {
  readonly source: string;
  readonly destination: string;
  readonly format: string;
  /** What the program is told after a change. */
  readonly command: readonly string[];
}

/**
 * All that is said of one program of the boxes. From these come the files, the firewall, the units, the processes of the
 * lab, the rights in Consul, who may log in to Postgres, and the order of all that.
 */
export interface Program {
  readonly name: string;
  /** Its steps of provisioning, box/STEP.sh each, or box/service.sh where there is no such script. Files belong to the first. */
  readonly steps: readonly [string, ...string[]];
  /** Lower ones are started first and stopped last; equal ones at once. */
  readonly order: number;
  readonly isOn: (site: Site, box: Box) => boolean;
  /** Accounts of real boxes that it needs and its package does not make. */
  readonly accounts?: readonly string[];
  /** The systemd unit of real boxes. */
  readonly unit?: (site: Pick<Site, 'binaries'>) => string;
  /** Whether the agent may start, stop, restart, reload and kill that unit. */
  readonly isDriven?: boolean;
  /** For a step without a script of its own. */
  readonly plainStep?: {
    /** What brings changed files into effect. */
    readonly verb: 'restart' | 'reload';
    /** Debian's packages that it runs from. */
    readonly packages?: readonly string[];
    /** Part of hotspare: another build or another Node has to be brought into effect too. */
    readonly isOurs?: boolean;
  };
  /** The port by which it is known. */
  readonly port?: (site: Site) => number;
  /** Others that it needs to be free. */
  readonly alsoListens?: (site: Site) => readonly Listener[];
  /** What may be reached on real boxes; the rest is dropped. */
  readonly openings?: readonly Opening[];
  /** Absent: the lab does not run it. */
  readonly process?: (place: Place<LabSite>, node: NodeCommand) => Process;
  /** Folders of a lab's box that must be there before it starts. */
  readonly folders?: (
    paths: BoxPaths,
  ) => readonly { readonly path: string; readonly mode: number; readonly owner?: Owner }[];
  /** What its templates may use besides what all may. */
  readonly values?: (place: Place) => object;
  readonly files?: (place: Place, make: Maker) => BoxFile[];
  /** Files of the agent's that it needs for this program. */
  readonly agentFiles?: (place: Place, make: Maker) => BoxFile[];
  readonly keeps?: (place: Place) => Kept;
  /** Roles by which it logs in to Postgres. */
  readonly logins?: readonly { readonly database: string; readonly user: string }[];
  /** What the scripts of a real box need to know. Lists are separated by blanks; truths are `true` and `false`. */
  readonly variables?: (place: Place) => Readonly<Record<string, string>>;
  readonly registration?: (place: Place) => Registration;
}

/** What the site's supervisor calls a program of a box. */
export function unitName(site: Site, box: Box, { name, unit }: Pick<Service, 'name' | 'unit'>): string {
  return site.supervisor === 'systemd' ? unit(site) : processName(name, box);
}

/** What the lab calls it. */
export const processName = (program: string, box: Box): string => `${program}@${box.name}`;

/**
 * Node's argument for a program that runs on every box and keeps little: a young generation of 1 MB. With Node's 16 MB an agent that has
 * been busy holds 70 MB.
 */
export const smallHeap = '--max-semi-space-size=1';
export const inSmallHeap = ([node, ...more]: Process['command']): Process['command'] => [
  node,
  smallHeap,
  ...more,
];

/** The command line of one of hotspare's own programs. */
export type NodeCommand = (main: string, ...args: string[]) => Process['command'];

/** A program that groups of the topology name, and that the agent registers in Consul under its name. */
export interface Service extends Program {
  readonly port: NonNullable<Program['port']>;
  readonly unit: NonNullable<Program['unit']>;
  readonly registration: NonNullable<Program['registration']>;
}

/** A service: it is on the boxes of the groups that name it, and their agents drive it. */
export function service(
  said: Omit<Service, 'isOn' | 'isDriven' | 'steps'> & Partial<Pick<Service, 'steps'>>,
): Service {
  return {
    steps: [said.name],
    ...said,
    isOn: (_site, box) => box.services.includes(said.name),
    isDriven: true,
  };
}

export function isDnsBox({ dns }: Topology, box: Box): boolean {
  return dns.box === box.name;
}
