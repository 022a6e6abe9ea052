import type { UnitStatus } from '../common/service-manager.js';
import { tableLines } from '../common/text/table.js';
import type { Lab } from './lab.js';
import { instancesOf } from './units.js';

export interface LabStatus {
  readonly boxes: readonly {
    readonly name: string;
    readonly address: string;
    readonly services: readonly {
      readonly name: string;
      readonly address: string;
      /** Null: it listens on none. */
      readonly port: number | null;
      readonly pid: number | null;
      readonly state: UnitStatus['state'];
    }[];
  }[];
  readonly urls: { readonly todo: readonly string[]; readonly consul: string };
}

export async function labStatus(lab: Lab): Promise<LabStatus> {
  const instances = await Promise.all(
    instancesOf(lab.site).map(async (instance) => ({
      instance,
      status: await lab.services.status(instance.unit),
    })),
  );
  return {
    boxes: lab.site.topology.boxes.map((box) => {
      const own = instances.filter(({ instance }) => instance.box === box);
      return {
        name: box.name,
        address: own[0]?.instance.address ?? '',
        services: own.map(({ instance, status }) => ({
          name: instance.program,
          address: instance.address,
          port: instance.port ?? null,
          pid: 'pid' in status ? status.pid : null,
          state: status.state,
        })),
      };
    }),
    urls: lab.urls,
  };
}

/** The status as a table. */
export function statusText(status: LabStatus): string {
  const rows = status.boxes.flatMap((box) =>
    box.services.map((service, index) => [
      index === 0 ? box.name : '',
      service.name,
      service.port === null ? '' : `${service.address}:${service.port}`,
      service.state,
      service.pid === null ? '' : String(service.pid),
    ]),
  );
  return [
    ...tableLines([['BOX', 'SERVICE', 'ADDRESS', 'STATE', 'PID'], ...rows]),
    '',
    ...status.urls.todo.map((url) => `todo list  ${url}`),
    `Consul UI  ${status.urls.consul}`,
  ].join('\n');
}
