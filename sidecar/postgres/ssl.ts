/**
 * TLS options for a connection to an address found by name: the certificate is for the name in the URL, not for the
 * address. What the user has set stays, and a key that pg has hidden from enumeration stays hidden.
 */
export function sslForName(ssl: unknown, host: string): unknown {
  if (!ssl || (typeof ssl === 'object' && 'servername' in ssl)) return ssl;
  const named: Record<string, unknown> = { ...(ssl === true ? {} : (ssl as object)), servername: host };
  if (typeof ssl === 'object' && 'key' in ssl)
    Object.defineProperty(named, 'key', { value: ssl.key, enumerable: false });
  return named;
}
