/** What tells under which address a client reached us, perhaps through a balancer. */
export interface OriginClues {
  readonly host: string | undefined;
  readonly forwardedHost: string | undefined;
  readonly forwardedProto: string | undefined;
  /** Where the connection arrived: for clients that send no Host. */
  readonly local: string;
}

const hostAndPort = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;

/** `http://host:port` for absolute URLs. A Host that cannot be one is passed over rather than echoed. */
export function originOf(clues: OriginClues): string {
  const proto = first(clues.forwardedProto)?.toLowerCase() === 'https' ? 'https' : 'http';
  const host = [first(clues.forwardedHost), clues.host].find(
    (text) => text !== undefined && hostAndPort.test(text),
  );
  return `${proto}://${host ?? clues.local}`;
}

/** Each proxy appends its own: the first is what the client used. */
function first(header: string | undefined): string | undefined {
  return header?.split(',')[0]?.trim();
}
