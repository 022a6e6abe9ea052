import { assertNever } from '../../../common/assert-never.js';
import { error, type Finding, type HostFacts } from '../model.js';

const without =
  'or unset both HOTSPARE_TLS_CERT and HOTSPARE_TLS_KEY: a self-signed certificate is made then';

export function tlsFindings(facts: HostFacts): Finding[] {
  const tls = facts.tls;
  switch (tls.state) {
    case 'none-given':
      return facts.opensslCommand
        ? []
        : [
            error(
              'openssl-missing',
              'no certificate is given, and there is no openssl to make a self-signed one with',
              'sudo apt install openssl',
              'HOTSPARE_TLS_CERT=FILE HOTSPARE_TLS_KEY=FILE vagrant up',
            ),
          ];
    case 'kept':
      return [];
    case 'half-given':
      return [
        error(
          'tls-half-given',
          `of certificate and key only one is given: ${tls.missing} is not set`,
          `set ${tls.missing} too`,
          without,
        ),
      ];
    case 'unusable':
      return [
        error(
          'tls-unusable',
          `${tls.file} cannot be used: ${tls.why}`,
          'give a PEM file without a passphrase',
          without,
        ),
      ];
    case 'given':
      if (!tls.match)
        return [
          error(
            'tls-mismatch',
            `the key ${tls.key} is not that of the certificate ${tls.certificate}`,
            "give the key the certificate was made with (in a chain, the server's own certificate comes first)",
            without,
          ),
        ];
      return tls.expired
        ? [
            error(
              'tls-expired',
              `the certificate ${tls.certificate} was valid until ${tls.expires}`,
              'renew it',
              without,
            ),
          ]
        : [];
    default:
      return assertNever(tls);
  }
}
