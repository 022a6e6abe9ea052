/** The edits by which a throw-away kind, `tcp`, and a throw-away service of it, `echo`, come to the boxes. */
export interface Edits {
  /** New files. */
  readonly added: Readonly<Record<string, string>>;
  /** Lines put behind another one, which stands in the file exactly once. */
  readonly inserted: Readonly<Record<string, readonly (readonly [after: string, line: string])[]>>;
}

export const kind = 'tcp';
export const service = 'echo';

export const sources: Edits = {
  added: {
    'agent/core/kinds/tcp.ts': `import type { KindOf } from './kind.js';

export interface TcpWords {
  readonly facts: { readonly kind: 'tcp' };
  readonly trouble: { readonly kind: 'tcp-mute' };
  readonly obstacle: never;
  readonly warning: never;
}

export const tcp: KindOf<TcpWords> = {
  troubles: { 'tcp-mute': () => 'it gives nothing back' },
  obstacles: {},
  warnings: {},
  policy: { missesToBelieve: 1, confirmingShare: 1 },
  passingText: () => 'gives back what it is sent',
  figures: () => ({}),
};
`,
    'agent/drivers/tcp/config.ts': `import type { ConfigReader } from '../../../common/text/config-reader.js';
import { optionalMapping, timings, type Timings } from '../../config/service.js';
import type { ServiceOf } from '../kind.js';

export interface TcpServiceConfig extends ServiceOf<'tcp'> {
  readonly probe: Timings & { readonly word: string };
}

export function parseTcpService(service: (key: string) => ConfigReader): Pick<TcpServiceConfig, 'probe'> {
  const probe = optionalMapping(service('probe'), ['word', 'intervalMs', 'timeoutMs']);
  const word = probe('word')?.text('a word', /^\\w+$/) ?? 'ping';
  return { probe: { word, ...timings(probe, { intervalMs: 500, timeoutMs: 300 }) } };
}
`,
    'agent/drivers/tcp/driver.ts': `import { connect } from 'node:net';
import { withDeadline } from '../../../common/clock.js';
import type { ProbeResult } from '../../core/model.js';
import type { Driver } from '../../ports.js';
import { judgeError } from '../judge.js';
import type { Surroundings } from '../kind.js';
import type { TcpServiceConfig } from './config.js';

export class TcpDriver implements Driver {
  constructor(
    private readonly service: TcpServiceConfig,
    private readonly around: Pick<Surroundings, 'clock'>,
  ) {}

  static of(service: TcpServiceConfig, around: Surroundings): TcpDriver {
    return new TcpDriver(service, around);
  }

  async probe(): Promise<ProbeResult> {
    const { clock } = this.around;
    const { address, port, probe } = this.service;
    const startedMs = clock.nowMs();
    try {
      const answer = await withDeadline(
        clock,
        probe.timeoutMs,
        'probe',
        () =>
          new Promise<string>((resolve, reject) => {
            const socket = connect(port, address, () => socket.write(probe.word));
            socket.on('error', reject);
            socket.on('data', (data) => {
              resolve(String(data));
              socket.destroy();
            });
          }),
      );
      return answer === probe.word
        ? { kind: 'passing', facts: { kind: 'tcp' } }
        : { kind: 'critical', trouble: { kind: 'tcp-mute' } };
    } catch (error) {
      return judgeError(error, { tookMs: clock.nowMs() - startedMs, deadlineMs: probe.timeoutMs });
    }
  }

  onAlarm(): void {}

  async close(): Promise<void> {}
}
`,
    'provision/services/echo.ts': `import { service } from './program.js';

const port = 7007;

export const echo = service({
  name: 'echo',
  order: 40,
  accounts: ['echo'],
  unit: () => 'echo.service',
  plainStep: { verb: 'restart', packages: ['socat'] },
  port: ({ portOffset }) => port + portOffset,
  openings: [{ what: 'echo', port, protocols: ['tcp'], on: 'echo boxes', from: ['all boxes'] }],
  registration: () => ({ kind: 'tcp', settings: { probe: { word: 'hello' } } }),
  process: ({ site, address }) => ({
    command: [
      process.execPath,
      '-e',
      "require('net').createServer((s) => s.pipe(s)).listen(process.argv[2], process.argv[1])",
      address,
      String(port + site.portOffset),
    ],
  }),
  files: (_, { unit }) => unit('echo.service', 'echo.service.hbs'),
});
`,
  },
  inserted: {
    'agent/core/kinds/index.ts': [
      [
        "import { postgres, type PostgresWords } from './postgres.js';",
        "import { tcp, type TcpWords } from './tcp.js';",
      ],
      ['  postgres: PostgresWords;', '  tcp: TcpWords;'],
      ['  postgres,', '  tcp,'],
    ],
    'agent/drivers/index.ts': [
      [
        "import { PostgresDriver } from './postgres/driver.js';",
        "import { parseTcpService, type TcpServiceConfig } from './tcp/config.js';\nimport { TcpDriver } from './tcp/driver.js';",
      ],
      ['  postgres: PostgresServiceConfig;', '  tcp: TcpServiceConfig;'],
      [
        '  postgres: { keys: postgresKeys, parse: parsePostgresService, create: PostgresDriver.of },',
        '  tcp: { keys: [], parse: parseTcpService, create: TcpDriver.of },',
      ],
    ],
    'provision/services/index.ts': [
      ["import { dns } from './dns.js';", "import { echo } from './echo.js';"],
      ['  todomvc,', '  echo,'],
    ],
  },
};

/** What comes besides, and does not count: a template, the topology, a page. */
export const besides: Edits = {
  added: {
    'provision/templates/echo.service.hbs': `[Unit]
Description=Echo

[Service]
User=echo
ExecStart=/usr/bin/socat TCP-LISTEN:{{self.port}},fork EXEC:cat
`,
  },
  inserted: {
    'docs/PORTS.md': [
      [
        '| web app | 3000 tcp | todomvc boxes | nginx boxes |',
        '| echo | 7007 tcp | echo boxes | all boxes |',
      ],
    ],
  },
};
