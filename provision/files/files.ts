import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programsOn } from '../services/index.js';
import { placeOf, type Maker } from '../services/program.js';
import type { Site } from '../site/site.js';
import type { Box } from '../topology/model.js';
import type { BoxFile, Concern } from './box-file.js';
import { contextOf } from './context.js';
import { render } from './render.js';

export type { BoxFile, Concern, Owner } from './box-file.js';

/** Every configuration file of one box. Pure but for reading the templates. */
export function filesOf(site: Site, box: Box, templates: string): BoxFile[] {
  const place = placeOf(site, box);
  const all = { ...contextOf(site, box), hardening: render(templates, 'hardening.conf.hbs', {}) };
  return programsOn(site, box).flatMap(({ name, port, steps, values, files, agentFiles }) => {
    const context = { ...all, self: { name, port: port?.(site) ?? null }, ...values?.(place) };
    const make = (concern: Concern) => makerOf(site, templates, context, concern);
    return [...(files?.(place, make(steps[0])) ?? []), ...(agentFiles?.(place, make('agent')) ?? [])];
  });
}

function makerOf(site: Site, templates: string, context: object, concern: Concern): Maker {
  const verbatim: Maker['verbatim'] = (path, content, settings = {}) => ({
    path,
    content,
    mode: 0o644,
    owner: 'root',
    concern,
    ...settings,
  });
  const rendered: Maker['rendered'] = (path, template, settings = {}, values = {}) =>
    verbatim(path, render(templates, template, { ...context, ...values }), settings);
  return {
    verbatim,
    rendered,
    secret: (path, content, owner) => verbatim(path, content, { mode: 0o600, owner }),
    unit: (name, template) =>
      site.unitFiles === null ? [] : [rendered(join(site.unitFiles, name), template)],
    source: (template) => readFileSync(join(templates, template), 'utf8'),
  };
}
