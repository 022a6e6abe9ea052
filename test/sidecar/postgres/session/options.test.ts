import { describe, expect, test } from 'vitest';
import { withOptions } from '../../../../sidecar/postgres/session/options.js';
import { sslForName } from '../../../../sidecar/postgres/session/ssl.js';

describe('options', () => {
  test('a hidden password is kept, and stays hidden', () => {
    const config = Object.defineProperty({ user: 'u' }, 'password', { value: 'secret', enumerable: false });
    const copy = withOptions(config, { max: 3 }) as { password?: string };
    expect(copy.password).toBe('secret');
    expect(JSON.stringify(copy)).toBe('{"user":"u","max":3}');
  });

  test('a certificate is for the name; what the user said stays; a hidden key is kept', () => {
    expect(sslForName(false, 'h')).toBe(false);
    expect(sslForName(true, 'h')).toEqual({ servername: 'h' });
    expect(sslForName({ servername: 'own' }, 'h')).toEqual({ servername: 'own' });
    const ssl = Object.defineProperty({ ca: 'c' }, 'key', { value: 'k', enumerable: false });
    const named = sslForName(ssl, 'h') as { key: string };
    expect(named.key).toBe('k');
    expect(JSON.stringify(named)).toBe('{"ca":"c","servername":"h"}');
  });
});
