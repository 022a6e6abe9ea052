import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../common/clock.js';
import { lxcImage, virtualboxImage } from '../provision/site/programs.js';
import { addressOf } from '../provision/site/site.js';
import { loadTopology, type Topology } from '../provision/topology/topology.js';
import { withStateLock } from './lock.js';
import { openSite } from './open.js';
import { gather } from './preflight/gather.js';
import { preflight } from './preflight/checks.js';
import { automaticSubnet } from './preflight/checks/virtualbox.js';
import type { Finding, HostFacts, Plan, Provider } from './preflight/model.js';
import { madeBoxes } from './preflight/sources/vagrant.js';
import { carryDump, dumpSet, newestDump } from './prepare/dumps.js';
import { removeLeftOvers } from './prepare/left-overs.js';
import { preparePayloads } from './prepare/prepare.js';
import { setUpAccess, untilHealthy } from './settle/settle.js';
import { welcomeText } from './settle/welcome.js';
import {
  loadSettings,
  resolveSettings,
  saveSettings,
  type ResolvedSettings,
  type Settings,
} from './settings.js';
import { privateFolder, stateFiles } from './state.js';

/** Where the package lies: two folders up from dist/vagrant. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** What a container takes of the host's memory; it has no limit of its own. */
const lxcMemoryMb = 160;
const images: Readonly<Record<Provider, string>> = { virtualbox: virtualboxImage, lxc: lxcImage };

export const boxStates = ['running', 'stopped', 'frozen', 'absent'] as const;
/** Frozen: it was started, and does nothing until it is thawed. */
export type BoxState = (typeof boxStates)[number];

export interface Progress {
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
}

export interface Call {
  /** .vagrant/hotspare */
  readonly state: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface HostCall extends Call {
  /** Undefined: the one that is remembered, or VirtualBox. */
  readonly provider: Provider | undefined;
  /** What Vagrant says of the boxes. Undefined: nobody asked it. */
  readonly boxes: ReadonlyMap<string, BoxState> | undefined;
}

/** What "vagrant up" would stumble over on this machine. Throws ConfigError. */
export async function checkHost(call: HostCall): Promise<Finding[]> {
  const { plan, facts } = await look(call);
  return preflight(facts, plan);
}

/**
 * Before Vagrant declares the boxes: the first three numbers of their addresses. Where nobody chose and VirtualBox would
 * refuse the usual ones, others are taken and remembered; `reason` says so.
 */
export async function chooseSubnet(
  call: HostCall,
): Promise<{ readonly subnet: string; readonly reason: string | undefined }> {
  const { settings, sources } = choose(call);
  if (sources.subnet !== 'default' || settings.provider !== 'virtualbox')
    return { subnet: settings.subnet, reason: undefined };
  const { plan, facts } = await look(call);
  const { subnet, reason } = automaticSubnet(facts, plan);
  if (subnet !== settings.subnet) await withStateLock(call, () => remember(call, { ...settings, subnet }));
  return { subnet, reason };
}

async function look(call: HostCall): Promise<{ plan: Plan; facts: HostFacts }> {
  const { topology, settings, remembered } = choose(call);
  const { environment, clock, state } = call;
  const names = topology.boxes.map(({ name }) => name);
  const dotfileFolder = dirname(resolve(state));
  const made = await madeBoxes(dotfileFolder, settings.provider, names);
  const plan: Plan = {
    provider: settings.provider,
    subnet: settings.subnet,
    boxes: topology.boxes.map((box) => {
      // Nobody asked Vagrant: then what it made counts as running, so that its addresses do not count as taken.
      const state = call.boxes?.get(box.name) ?? (made.has(box.name) ? 'running' : 'absent');
      const address = addressOf(settings, box);
      const frozen = state === 'frozen';
      return {
        name: box.name,
        address,
        exists: state !== 'absent',
        running: state === 'running' || frozen,
        frozen,
      };
    }),
    bridge: settings.bridge,
    containerPrefix: settings.containerPrefix,
    memoryPerBoxMb: settings.provider === 'lxc' ? lxcMemoryMb : topology.virtualbox.memoryMb,
    boxName: images[settings.provider],
    madeWith: remembered,
  };
  const vagrantVersion = environment['HOTSPARE_VAGRANT_VERSION'];
  const facts = await gather({ plan, environment, clock, folder: root, dotfileFolder, vagrantVersion });
  return { plan, facts };
}

/** Makes what the boxes get, and remembers how they were chosen. Repeatable. Throws ConfigError and UserError. */
export async function prepareBoxes(call: HostCall): Promise<void> {
  const { topology, settings } = choose(call);
  await withStateLock(call, async () => {
    removeLeftOvers(stateFiles(call.state));
    remember(call, settings);
    const site = await openSite(topology, settings, call.state, wishOf(call));
    await call.progress.step('what the boxes get', () =>
      preparePayloads({
        site,
        root,
        state: call.state,
        dump: newestDump(backupsOf(settings), dumpSet(settings)),
        sendNode: settings.provider !== 'lxc',
      }),
    );
  });
}

/**
 * After boxes came up: access control; and, once all of the topology run, their health. Resolves with what to tell the
 * person. `running` holds at least all Consul servers.
 */
export async function settleBoxes(call: Call & { readonly running: readonly string[] }): Promise<string> {
  const { topology, settings } = choose({ ...call, provider: loadSettings(call.state)?.provider });
  const { state, clock, signal, progress } = call;
  const site = await withStateLock(call, () => openSite(topology, settings, state, wishOf(call)));
  const settling = { site, managementTokenFile: stateFiles(state).managementToken, clock, signal };
  await progress.step("Consul's access control", () => setUpAccess(settling));
  if (!topology.boxes.every(({ name }) => call.running.includes(name))) return '';
  await progress.step('wait until everything is healthy', () => untilHealthy(settling));
  return welcomeText(site, backupsOf(settings));
}

/** The dumps of boxes that were moved go along with them: they are named by where the boxes are. */
function remember(call: Call, settings: Settings): void {
  const before = loadSettings(call.state);
  if (before) carryDump(backupsOf(before), dumpSet(before), backupsOf(settings), dumpSet(settings));
  saveSettings(privateFolder(call.state), settings);
}

const wishOf = ({ environment, clock }: Call) => ({ environment, relativeTo: root, nowMs: clock.wallMs() });

const backupsOf = ({ backups }: Settings) => backups ?? join(root, 'backups');

interface Choice extends ResolvedSettings {
  readonly topology: Topology;
  readonly remembered: Settings | undefined;
}

function choose(call: Pick<HostCall, 'state' | 'environment' | 'provider'>): Choice {
  const remembered = loadSettings(call.state);
  const environment = call.provider
    ? { ...call.environment, VAGRANT_DEFAULT_PROVIDER: call.provider }
    : call.environment;
  // The settings say which topology, and the topology what the settings are checked against.
  const file = environment['HOTSPARE_TOPOLOGY'] ?? remembered?.topologyFile;
  const topology = loadTopology(resolve(root, file || join('vagrant', 'topology.json')));
  const resolved = resolveSettings(environment, remembered, {
    subnet: topology.subnets.vagrant,
    bridge: topology.lxc.bridge,
    boxNames: topology.boxes.map(({ name }) => name),
    folder: root,
  });
  return { ...resolved, topology, remembered };
}
