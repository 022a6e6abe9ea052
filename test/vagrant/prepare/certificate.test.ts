import { createPrivateKey, X509Certificate } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, UserError } from '../../../common/errors.js';
import { certificateFor, type Certificate } from '../../../vagrant/prepare/tls.js';

const names = { name: 'todo.hotspare.test', addresses: ['192.168.11.21', '192.168.11.22'] };
const day = 24 * 60 * 60 * 1000;
const nowMs = Date.now();

let root = '';
let folder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hotspare-certificate-'));
  folder = join(root, 'tls');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ask = (change: Partial<Parameters<typeof certificateFor>[0]> = {}) =>
  certificateFor({ folder, names, environment: {}, relativeTo: root, nowMs, ...change });
const fits = ({ certificate, key }: Certificate) =>
  new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));

/** Another pair, as a person would bring it: site.pem and site.key in `root`. */
async function givenPair(name = 'site.example.test') {
  const elsewhere = join(root, 'elsewhere');
  const made = await ask({ folder: elsewhere, names: { ...names, name } });
  cpSync(join(elsewhere, 'own-cert.pem'), join(root, 'site.pem'));
  cpSync(join(elsewhere, 'own-key.pem'), join(root, 'site.key'));
  rmSync(elsewhere, { recursive: true });
  return { made, environment: { HOTSPARE_TLS_CERT: 'site.pem', HOTSPARE_TLS_KEY: 'site.key' } };
}

describe('made here', () => {
  test('good for every name, private, kept', async () => {
    const made = await ask();
    expect(fits(made)).toBe(true);
    const parsed = new X509Certificate(made.certificate);
    expect(parsed.checkHost(names.name)).toBe(names.name);
    for (const address of names.addresses) expect(parsed.checkIP(address)).toBe(address);
    expect(readdirSync(folder).sort()).toEqual(['own-cert.pem', 'own-key.pem']);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'own-key.pem')).mode & 0o777).toBe(0o600);
    expect(await ask()).toEqual(made);
  });

  test.each([
    ['another address', { names: { ...names, addresses: [...names.addresses, '192.168.11.23'] } }],
    ['another name', { names: { ...names, name: 'list.hotspare.test' } }],
    ['its time is nearly over', { nowMs: nowMs + 370 * day }],
  ])('anew: %s', async (_, change) => {
    const before = await ask();
    const after = await ask(change);
    expect(after).not.toEqual(before);
    expect(fits(after)).toBe(true);
  });

  test('anew, when a call was cut off between the key and the certificate', async () => {
    const before = await ask();
    await givenPair();
    cpSync(join(root, 'site.key'), join(folder, 'own-key.pem'));
    const after = await ask();
    expect(after.certificate).not.toBe(before.certificate);
    expect(fits(after)).toBe(true);
    rmSync(join(folder, 'own-cert.pem'));
    expect(fits(await ask())).toBe(true);
  });
});

describe('given', () => {
  test('taken, and kept from then on', async () => {
    await ask();
    const { made, environment } = await givenPair();
    expect(await ask({ environment })).toEqual(made);
    rmSync(join(root, 'site.key'));
    expect(await ask()).toEqual(made);
    expect(statSync(join(folder, 'given-key.pem')).mode & 0o777).toBe(0o600);
    for (const half of ['given-cert.pem', 'given-key.pem']) rmSync(join(folder, half));
    expect(await ask()).not.toEqual(made);
  });

  test.each([
    [{ HOTSPARE_TLS_KEY: '' }, /HOTSPARE_TLS_KEY .*given together/],
    [{ HOTSPARE_TLS_CERT: undefined }, /HOTSPARE_TLS_CERT .*given together/],
    [{ HOTSPARE_TLS_CERT: 'none.pem' }, /HOTSPARE_TLS_CERT .*there is no such file/],
    [{ HOTSPARE_TLS_KEY: 'site.pem' }, /HOTSPARE_TLS_KEY .*no private key/],
    [{ HOTSPARE_TLS_KEY: 'tls/own-key.pem' }, /expected the private key of HOTSPARE_TLS_CERT/],
  ])('refused, and nothing kept of it: %j', async (change, said) => {
    await ask();
    const { environment } = await givenPair();
    const attempt = ask({ environment: { ...environment, ...change } });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(said);
    expect(readdirSync(folder).sort()).toEqual(['own-cert.pem', 'own-key.pem']);
  });

  test('halves that do not belong together are not shown to anybody', async () => {
    const { environment } = await givenPair();
    await ask({ environment });
    const { environment: another } = await givenPair('other.example.test');
    cpSync(join(root, 'site.key'), join(folder, 'given-key.pem'));
    await expect(ask()).rejects.toThrow(UserError);
    await expect(ask()).rejects.toThrow(
      /is not the key of .*Give it again with .* or remove .*given-\*\.pem/,
    );
    expect(fits(await ask({ environment: another }))).toBe(true);
    writeFileSync(join(folder, 'given-cert.pem'), 'garbage');
    await expect(ask()).rejects.toThrow(/given-cert\.pem: it holds no certificate/);
  });
});
