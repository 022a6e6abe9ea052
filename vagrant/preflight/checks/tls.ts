import { assertNever } from '../../../common/assert-never.js';
import type { Validity } from '../../tls-pair.js';
import { note } from '../mends.js';
import { error, warning, type Finding, type HostFacts } from '../model.js';

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
    case 'made':
      return [];
    case 'kept':
      return expiry(tls, `the certificate kept in ${tls.folder}`, giveAnew(tls.folder));
    case 'kept-broken':
      return [
        error(
          'tls-unusable',
          `the certificate given earlier cannot be used: ${tls.why}`,
          ...giveAnew(tls.folder),
        ),
      ];
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
      if (tls.validity === 'over')
        return [
          error(
            'tls-expired',
            `the certificate ${tls.certificate} was valid until ${tls.expires}`,
            'renew it',
            without,
          ),
        ];
      return expiry(tls, `the certificate ${tls.certificate}`, ['renew it', without]);
    default:
      return assertNever(tls);
  }
}

const giveAnew = (folder: string) => [
  'HOTSPARE_TLS_CERT=FILE HOTSPARE_TLS_KEY=FILE vagrant up',
  note(`rm ${folder}/given-*.pem`, 'back to one that is made here'),
];

/** Of one that was taken before: boxes that run with it are not stopped from being mended. */
function expiry(
  { validity, expires }: { readonly validity: Validity; readonly expires: string },
  subject: string,
  mend: readonly string[],
): Finding[] {
  switch (validity) {
    case 'good':
      return [];
    case 'ends-soon':
      return [warning('tls-ends-soon', `${subject} is valid only until ${expires}`, ...mend)];
    case 'over':
      return [warning('tls-expired', `${subject} was valid until ${expires}`, ...mend)];
    default:
      return assertNever(validity);
  }
}
