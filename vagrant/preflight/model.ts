/** What the preflight knows, what is planned, and what it says. All of it plain data. */
import type { Validity } from '../tls-pair.js';

export const providers = ['virtualbox', 'lxc'] as const;
export type Provider = (typeof providers)[number];

export interface PlannedBox {
  readonly name: string;
  readonly address: string;
  /** Made by an earlier `vagrant up`. */
  readonly exists: boolean;
  /** Also when it is frozen. */
  readonly running: boolean;
  /** Paused, with everything in it: it answers nothing. Default: false. */
  readonly frozen?: boolean;
}

/** What `vagrant up` is about to do. */
export interface Plan {
  readonly provider: Provider;
  /** First three numbers of every address; the host has .1. */
  readonly subnet: string;
  readonly boxes: readonly PlannedBox[];
  /** The bridge LXC boxes are plugged into. */
  readonly bridge: string;
  /** Before the names of containers and of their network interfaces. May be empty. */
  readonly containerPrefix: string;
  readonly memoryPerBoxMb: number;
  /** Name of the Vagrant box. */
  readonly boxName: string;
  /** What the boxes that exist were made with. Undefined: nothing is remembered. */
  readonly madeWith?: Pick<Plan, 'provider' | 'subnet' | 'containerPrefix'> | undefined;
}

/** A program that was asked for its version. */
export type Program =
  | { readonly state: 'absent' }
  /** `warning`: what it said besides, when that says it will not work. */
  | { readonly state: 'found'; readonly version: string; readonly warning?: string | undefined }
  /** It is there and gave no version. */
  | { readonly state: 'failed'; readonly said: string };

export type TextFile =
  | { readonly state: 'absent' }
  | { readonly state: 'read'; readonly text: string }
  | { readonly state: 'unreadable'; readonly why: string };

/** An IPv4 address with the length of its network's prefix. */
export interface NetworkAddress {
  readonly address: string;
  readonly prefixLength: number;
}

export interface NetworkInterface {
  readonly name: string;
  readonly addresses: readonly NetworkAddress[];
}

export type Bridge =
  | { readonly state: 'absent' }
  /** An interface of that name exists and is something else. */
  | { readonly state: 'other-interface' }
  | {
      readonly state: 'present';
      readonly up: boolean;
      readonly addresses: readonly NetworkAddress[];
      /** Names of the interfaces plugged into it. */
      readonly ports: readonly string[];
    };

export interface HostOnlyNetwork extends NetworkAddress {
  readonly name: string;
}

/** An address of the plan that answers although its box does not exist. */
export interface TakenAddress {
  readonly address: string;
  /** How it answered: "accepts connections to port 22". */
  readonly how: string;
  /** The answerer's hardware address, if the host learnt it. */
  readonly mac?: string | undefined;
}

export type Tls =
  | { readonly state: 'none-given' }
  /** One was made at an earlier `vagrant up`; it is renewed when it has to be. */
  | { readonly state: 'made' }
  /** One was given at an earlier `vagrant up`. */
  | {
      readonly state: 'kept';
      readonly folder: string;
      readonly validity: Validity;
      readonly expires: string;
    }
  | { readonly state: 'kept-broken'; readonly folder: string; readonly why: string }
  | { readonly state: 'half-given'; readonly missing: 'HOTSPARE_TLS_CERT' | 'HOTSPARE_TLS_KEY' }
  | { readonly state: 'unusable'; readonly file: string; readonly why: string }
  | {
      readonly state: 'given';
      readonly certificate: string;
      readonly key: string;
      readonly match: boolean;
      readonly validity: Validity;
      /** As the certificate writes it. */
      readonly expires: string;
    };

export interface VirtualBoxFacts {
  readonly program: Program;
  /** /etc/vbox/networks.conf */
  readonly networksConf: TextFile;
  /** Undefined: VirtualBox could not be asked. */
  readonly hostOnlyNetworks: readonly HostOnlyNetwork[] | undefined;
  /** Whether the CPU offers VT-x or AMD-V. Undefined: not known here. */
  readonly cpuCanVirtualise: boolean | undefined;
  /** Linux's own hypervisor, when its module is loaded. */
  readonly kvm:
    | { readonly module: 'kvm_intel' | 'kvm_amd'; readonly users: number; readonly holdsCpu: boolean }
    | undefined;
}

export interface LxcFacts {
  readonly program: Program;
  /** Undefined: they could not be listed. */
  readonly containers: readonly string[] | undefined;
  readonly bridge: Bridge;
  /** Whether the host's firewall drops what passes over the bridge. Undefined: it could not be asked. */
  readonly bridgeFiltered: boolean | undefined;
  /** The Vagrant box of the plan, for LXC. */
  readonly box: 'present' | 'absent';
  readonly ipCommand: boolean;
  readonly cgroups: {
    readonly layout: 'unified' | 'hybrid' | 'legacy' | 'none';
    readonly writable: boolean;
    /** Whether a container's systemd finds a hierarchy to keep its units in. */
    readonly forSystemd: boolean;
  };
  /** Capabilities that starting containers needs and this process lacks. */
  readonly missingCapabilities: readonly string[];
  /** The AppArmor profile this process is confined by, if any. */
  readonly appArmorProfile: string | undefined;
  readonly nftables: 'works' | 'missing' | 'unknown';
}

/** What was found on the host. */
export interface HostFacts {
  readonly platform: 'linux' | 'darwin' | 'windows' | 'other';
  /** As Node names it: x64, arm64 … */
  readonly architecture: string;
  readonly isRoot: boolean;
  readonly nodeVersion: string;
  readonly vagrant: Program;
  /** Vagrant plugins. Undefined: their list could not be read. */
  readonly plugins: readonly string[] | undefined;
  readonly interfaces: readonly NetworkInterface[];
  /** Networks reached otherwise than by the default route. */
  readonly routes: readonly (NetworkAddress & { readonly interface: string })[];
  readonly takenAddresses: readonly TakenAddress[];
  /** `availableMb` is undefined where the system does not say. */
  readonly memory: { readonly totalMb: number; readonly availableMb: number | undefined };
  readonly cpus: number;
  /** Where the provider keeps its boxes. Undefined: not known. */
  readonly disk: { readonly path: string; readonly freeMb: number } | undefined;
  readonly opensslCommand: boolean;
  readonly tls: Tls;
  readonly virtualbox: VirtualBoxFacts;
  readonly lxc: LxcFacts;
}

export const findingCodes = [
  'node-too-old',
  'vagrant-missing',
  'vagrant-failed',
  'vagrant-too-old',
  'settings-changed',
  'box-frozen',
  'address-reserved',
  'subnet-in-use',
  'subnet-routed',
  'address-taken',
  'host-address-differs',
  'memory-short',
  'memory-tight',
  'disk-short',
  'cpu-single',
  'tls-half-given',
  'tls-unusable',
  'tls-mismatch',
  'tls-expired',
  'tls-ends-soon',
  'openssl-missing',
  'virtualbox-missing',
  'virtualbox-failed',
  'virtualbox-kernel-module',
  'virtualbox-too-new',
  'box-architecture',
  'cpu-cannot-virtualise',
  'kvm-in-use',
  'networks-conf-unreadable',
  'networks-conf-garbled',
  'networks-conf-forbids',
  'subnet-is-nat',
  'lxc-needs-linux',
  'lxc-missing',
  'lxc-failed',
  'lxc-too-old',
  'plugin-missing',
  'root-needed',
  'not-privileged',
  'ip-missing',
  'bridge-missing',
  'bridge-not-a-bridge',
  'bridge-down',
  'bridge-other-subnet',
  'bridge-filtered',
  'container-taken',
  'interface-taken',
  'interface-name-too-long',
  'box-missing',
  'cgroups-missing',
  'cgroups-read-only',
  'cgroups-without-systemd',
  'apparmor-confined',
  'nftables-missing',
] as const;
export type FindingCode = (typeof findingCodes)[number];

/** `error`: `vagrant up` will fail or do harm. `warning`: it may. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: FindingCode;
  /** One sentence, without a full stop. */
  readonly what: string;
  /** Commands or steps, the best first. */
  readonly mend: readonly string[];
}

export const error = (code: FindingCode, what: string, ...mend: string[]): Finding => ({
  severity: 'error',
  code,
  what,
  mend,
});
export const warning = (code: FindingCode, what: string, ...mend: string[]): Finding => ({
  severity: 'warning',
  code,
  what,
  mend,
});
