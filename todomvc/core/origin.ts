/** What tells under which address a client reached us, perhaps through a balancer. */
export interface OriginClues {
  /** A balancer passes it on as the client sent it; X-Forwarded-Host is not looked at, since any client can send one. */
  readonly host: string | undefined;
  readonly forwardedProto: string | undefined;
  /** Where the connection arrived: for clients that send no Host. */
  readonly local: string;
}

const hostAndPort = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;

/** `http://host:port` for absolute URLs. A Host that cannot be one is passed over rather than echoed. */
export function originOf(clues: OriginClues): string {
  const proto = first(clues.forwardedProto)?.toLowerCase() === 'https' ? 'https' : 'http';
  const { host, local } = clues;
  return `${proto}://${host !== undefined && hostAndPort.test(host) ? host : local}`;
}

/** Each proxy appends its own: the first is what the client used. */
function first(header: string | undefined): string | undefined {
  return header?.split(',')[0]?.trim();
}
