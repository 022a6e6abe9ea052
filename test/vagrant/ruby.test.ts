import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lxcImage, nodeMinimum, virtualboxImage } from '../../provision/site/programs.js';

// What the box is made from has this script in its digest: it says the name itself.
test('the script that builds the box of LXC calls it as the Vagrantfile does', () => {
  expect(readFileSync('vagrant/build-lxc-box', 'utf8')).toContain(`box=${lxcImage} `);
});

test.skipIf(spawnSync('ruby', ['--version']).error)('Ruby reads what TypeScript says', () => {
  const said = (name: string) =>
    `puts(begin; Hotspare::Programs.said("${name}"); rescue Hotspare::Problem => e; e.message; end)`;
  const script = [
    'module Hotspare; ROOT = Dir.pwd; class Problem < StandardError; end; end',
    'require "./vagrant/ruby/programs"',
    ...['virtualboxImage', 'lxcImage', 'nodeMinimum', 'postgresMajor', 'nothing'].map(said),
  ].join('\n');
  expect(execFileSync('ruby', ['-e', script], { encoding: 'utf8' }).split('\n')).toEqual([
    virtualboxImage,
    lxcImage,
    nodeMinimum,
    '15',
    expect.stringMatching(/programs\.ts does not say nothing\. Mend/),
    '',
  ]);
});
