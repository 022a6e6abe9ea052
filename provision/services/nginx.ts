import { join } from 'node:path';
import { system } from '../site/real-boxes.js';
import { portOf } from '../site/site.js';
import { service, type Maker, type Place } from './program.js';
import { reloadOf } from './parts/reload.js';
import { problemJson, troublesOf } from './parts/troubles.js';

const unit = 'nginx.service';

export const nginx = service({
  name: 'nginx',
  order: 30,
  unit: () => unit,
  port: (site) => portOf(site, 'web'),
  openings: [
    { what: 'HTTP', port: 80, protocols: ['tcp'], on: 'nginx boxes', from: ['anywhere'] },
    { what: 'HTTPS', port: system.webTlsPort, protocols: ['tcp'], on: 'nginx boxes', from: ['anywhere'] },
  ],
  registration: () => ({ kind: 'http', settings: { probe: { path: '/-/nginx' } } }),
  // Rendered later, by the agent, from what Consul says.
  agentFiles: ({ paths }, { verbatim, source }) => [
    verbatim(join(paths.config, 'upstreams.conf.hbs'), source('upstreams.conf.hbs')),
  ],
  keeps: ({ site, paths }) => ({
    source: `${paths.config}/upstreams.conf.hbs`,
    destination: paths.upstreams,
    format: 'nginx',
    command:
      site.supervisor === 'systemd'
        ? reloadOf(unit)
        : [site.binaries.nginx, '-p', paths.nginxState, '-c', paths.nginxConf, '-s', 'reload'],
  }),
  process: ({ site, paths }) => ({
    command: [site.binaries.nginx, '-p', paths.nginxState, '-c', paths.nginxConf],
    stopSignal: 'SIGQUIT',
    stopTimeoutMs: 3_000,
  }),
  folders: ({ nginxState }) => [{ path: nginxState, mode: 0o755 }],
  values: (place) => ({
    nginx: settingsOf(place),
    locations: place.site.topology.locations.map(({ path, service, balance }) => ({
      path,
      upstream: `${service}-${balance}`,
    })),
  }),
  files: (place, make) => {
    const { config, nginxConf, upstreams } = place.paths;
    const troubles = troublesOf(place.site.topology, place.box).flatMap((trouble) => {
      const file = join(config, 'trouble', String(trouble.status));
      return [
        make.rendered(`${file}.html`, 'trouble.html.hbs', {}, { trouble }),
        make.verbatim(`${file}.json`, problemJson(trouble)),
      ];
    });
    return [
      make.rendered(nginxConf, 'nginx.conf.hbs'),
      ...troubles,
      make.rendered(upstreams, 'upstreams.initial.conf.hbs', { owner: 'hotspare', initialOnly: true }),
      ...tlsFiles(place, make),
      ...make.unit(`${unit}.d/hotspare.conf`, 'restart.dropin.conf.hbs'),
    ];
  },
});

function settingsOf({ site, address, paths }: Place): object {
  return site.supervisor === 'systemd'
    ? {
        user: 'www-data',
        pid: system.nginxPid,
        isForeground: false,
        listen: String(site.webPort),
        tls: { port: system.webTlsPort, certificate: system.tlsCertificate, key: system.tlsKey },
      }
    : {
        user: site.nginxUser ?? null,
        pid: `${paths.nginxState}/nginx.pid`,
        isForeground: true,
        listen: `${address}:${portOf(site, 'web')}`,
        tls: null,
      };
}

function tlsFiles({ site }: Place, { verbatim, secret }: Maker) {
  if (site.supervisor !== 'systemd') return [];
  return [verbatim(system.tlsCertificate, site.tls.certificate), secret(system.tlsKey, site.tls.key, 'root')];
}
