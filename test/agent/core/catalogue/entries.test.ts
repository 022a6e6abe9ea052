import { expect, test } from 'vitest';
import { leftOutText, refusalOf } from '../../../../agent/core/catalogue/entries.js';
import type { Instance } from '../../../../agent/core/catalogue/instances.js';
import { addressFor, admits, textFormats } from '../../../../agent/core/catalogue/text-format.js';

const good: Instance = {
  node: 'nginx1',
  id: 'web@nginx1',
  address: '10.0.0.1',
  port: 80,
  tags: [],
  meta: {},
};

test.each<[Partial<Instance>, string | undefined]>([
  [{}, undefined],
  [{ address: '2001:db8::1' }, undefined],
  [{ address: 'localhost' }, 'its address is "localhost", and only an IP address can be used'],
  [{ address: 'fe80::1%eth0' }, 'its address is "fe80::1%eth0", and only an IP address can be used'],
  [{ address: '10.0.0.1 ' }, 'its address is "10.0.0.1 ", and only an IP address can be used'],
  [{ address: '1;}\n' }, 'its address is "1;} ", and only an IP address can be used'],
  [{ address: '0.0.0.0' }, 'its address is 0.0.0.0, which is not the address of a host'],
  [{ port: 0 }, 'it has no port'],
  [{ port: 65_536 }, 'its port is 65536, and only 1 to 65535 can be used'],
  [{ port: 1.5 }, 'its port is 1.5, and only 1 to 65535 can be used'],
  [
    { node: 'a b' },
    'its node is called "a b", and only up to 253 letters, digits, dots, dashes and underscores can be used',
  ],
])('%j', (more, why) => {
  expect(refusalOf({ ...good, ...more })).toBe(why);
});

test('a name from outside is plain in the sentence', () => {
  expect(leftOutText('web', { ...good, id: 'x\u001b[2J\ny' }, 'it has no port')).toBe(
    'web: x\ufffd[2J y on nginx1 is left out: it has no port',
  );
});

test.each<[text: string, admittedBy: string]>([
  ['weight-5', 'nginx hosts text'],
  ['two words', 'text'],
  ['$host', 'hosts text'],
  ['a#b', 'text'],
  ['a\\b', 'hosts text'],
  ['Grüße', 'nginx hosts text'],
  ...['\n', '\0', '\u001b', '\u007f', '\u0085', '\u2028', '"', "'", '`', ';', '{', '}'].map(
    (bad): [string, string] => [`a${bad}b`, ''],
  ),
])('%j may stand in: %s', (text, admittedBy) => {
  expect(textFormats.filter((format) => admits(format, text)).join(' ')).toBe(admittedBy);
});

test('IPv6 stands in brackets where the format wants it', () => {
  expect(textFormats.map((format) => addressFor(format, '::1'))).toEqual(['[::1]', '::1', '::1']);
  expect(addressFor('nginx', '10.0.0.1')).toBe('10.0.0.1');
});
