import { describe, expect, test } from 'vitest';
import { preflight } from '../../../vagrant/preflight/checks.js';
import { automaticSubnet } from '../../../vagrant/preflight/checks/virtualbox.js';
import { findingCodes } from '../../../vagrant/preflight/model.js';
import { conf, hostFacts, lxcPlan, noConf, running, virtualBoxPlan, withVirtualBox } from './builders.js';
import * as host from './rows/host.js';
import * as lxc from './rows/lxc.js';
import * as network from './rows/network.js';
import * as virtualBox from './rows/virtualbox.js';

const bad = [host, network, virtualBox, lxc].flatMap((rows) => rows.bad);
const good = [host, network, virtualBox, lxc].flatMap((rows) => rows.good);

describe('what goes wrong is found, and the mend said', () => {
  test.each(bad)('%s', (_, facts, plan, code, severity, what, mend) => {
    const found = preflight(facts, plan).filter((finding) => finding.code === code);
    expect(found.map((finding) => finding.severity)).toContain(severity);
    expect(found.map((finding) => finding.what).join('\n')).toMatch(what);
    const steps = found.flatMap((finding) => finding.mend);
    expect(steps.length === 0 ? [''] : steps).toContainEqual(expect.stringMatching(mend));
  });

  test('there is a row for every finding', () => {
    expect(new Set(bad.map(([, , , code]) => code))).toEqual(new Set(findingCodes));
  });
});

describe('what is well is left alone', () => {
  test.each(good)('%s', (_, facts, plan, code) => {
    expect(preflight(facts, plan).map((finding) => finding.code)).not.toContain(code);
  });

  test('on a good host nothing is found, by either provider', () => {
    expect(preflight(hostFacts(), lxcPlan())).toEqual([]);
    expect(preflight(hostFacts(), running)).toEqual([]);
    expect(preflight(withVirtualBox({}), virtualBoxPlan())).toEqual([]);
  });
});

test('errors come before warnings', () => {
  const facts = hostFacts({ cpus: 1, opensslCommand: false });
  expect(preflight(facts, lxcPlan()).map(({ severity }) => severity)).toEqual(['error', 'warning']);
});

test('no finding ends in a full stop, and no command spans lines', () => {
  for (const finding of bad.flatMap(([, facts, plan]) => preflight(facts, plan))) {
    expect(finding.what).not.toMatch(/\.$|\n/);
    for (const step of finding.mend) expect(step).not.toMatch(/\n/);
  }
});

describe('the subnet nobody asked for', () => {
  test.each([
    ['is the wanted one where that is allowed', withVirtualBox({}), virtualBoxPlan(), '192.168.11'],
    ['is 192.168.56 where it is not', withVirtualBox(noConf), virtualBoxPlan(), '192.168.56'],
    ['is left where nothing helps', withVirtualBox(conf('* 10.0.0.0/8')), virtualBoxPlan(), '192.168.11'],
    ['is left to LXC', withVirtualBox(noConf), lxcPlan(), '192.168.11'],
  ])('%s', (_, facts, plan, subnet) => {
    const answer = automaticSubnet(facts, plan);
    expect(answer.subnet).toBe(subnet);
    expect(answer.reason === undefined).toBe(subnet === plan.subnet);
  });
});
