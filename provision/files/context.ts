import { firewallOf } from '../services/derived/firewall.js';
import { programsOn, services } from '../services/index.js';
import { placeOf, unitName } from '../services/program.js';
import { drivenUnits } from '../services/derived/units.js';
import { accessOf } from '../postgres/access.js';
import { system } from '../site/real-boxes.js';
import { addressOf, portOf, type Site } from '../site/site.js';
import { consulServersOf, type Box } from '../topology/model.js';
import { yamlLines } from './yaml-lines.js';

/** What every template may use; a program's own values come besides. */
export function contextOf(site: Site, box: Box) {
  const { topology } = site;
  const place = placeOf(site, box);
  return {
    box: { name: box.name, address: place.address, isConsulServer: box.consul === 'server' },
    port: {
      consulServer: portOf(site, 'consulServer'),
      consulSerf: portOf(site, 'consulSerf'),
      consulHttp: portOf(site, 'consulHttp'),
      consulDns: portOf(site, 'consulDns'),
      agentHttp: portOf(site, 'agentHttp'),
      postgres: portOf(site, 'postgres'),
    },
    path: place.paths,
    secret: site.secrets,
    consulServers: consulServersOf(topology).map((other) => ({
      name: other.name,
      address: addressOf(site, other),
    })),
    /** Under which the box's own programs reach its Consul. */
    consulHost: site.loopback === 'own' ? '127.0.0.1' : place.address,
    dns: topology.dns,
    system: site.supervisor === 'systemd' ? system : null,
    access: accessOf(site).map((rule) => ({ ...rule, columns: columnsOf(rule) })),
    ...agentValues(site, box),
    drivenUnits: drivenUnits(site, box),
    firewall:
      site.firewall === null
        ? []
        : firewallOf(site, box).map(({ what, port, protocol, from }) => ({
            what,
            match: `${from === undefined ? '' : `ip saddr { ${from.join(', ')} } `}${protocol} dport ${port}`,
          })),
  };
}

/** What the agent of the box is told of the other programs. */
function agentValues(site: Site, box: Box) {
  const place = placeOf(site, box);
  const keeps = programsOn(site, box).flatMap((program) => program.keeps?.(place) ?? []);
  const state = `${place.paths.agentState}/`;
  return {
    services: services
      .filter(({ isOn }) => isOn(site, box))
      .map(({ name, port, unit, registration }) => {
        const { kind, settings } = registration(place);
        return {
          name,
          kind,
          port: port(site),
          unit: unitName(site, box, { name, unit }),
          settings: yamlLines(settings),
        };
      }),
    keeps,
    /** Folders below its own that others read. */
    keptFolders: keeps
      .map(({ destination }) => destination.replace(/\/[^/]*$/, ''))
      .filter((folder) => folder.startsWith(state))
      .map((folder) => folder.slice(state.length)),
  };
}

function columnsOf(rule: { type: string; database: string; user: string; address: string }): string {
  const { type, database, user, address } = rule;
  return `${type.padEnd(7)} ${database.padEnd(12)} ${user.padEnd(21)} ${address.padEnd(20)}`;
}
