import type { Position } from './position.js';

/** Version and layout: system identifier (8 bytes), timeline (4), WAL position (8). */
const form = /^1([A-Za-z0-9_-]{27})$/;
const bytesOf = { systemId: 8, timeline: 4, lsn: 8 } as const;
const most = { systemId: 2n ** 64n, timeline: 2 ** 32, lsn: 2n ** 64n } as const;

/** 28 characters that need no quoting in a cookie, a header or a URL. Null: the position does not fit. */
export function readTokenOf({ systemId, timeline, lsn }: Position): string | null {
  const system = /^\d{1,20}$/.test(systemId) ? BigInt(systemId) : most.systemId;
  const fits = system < most.systemId && timeline > 0 && timeline < most.timeline && lsn < most.lsn;
  if (!fits) return null;
  const hex = [
    system.toString(16).padStart(bytesOf.systemId * 2, '0'),
    timeline.toString(16).padStart(bytesOf.timeline * 2, '0'),
    lsn.toString(16).padStart(bytesOf.lsn * 2, '0'),
  ].join('');
  return `1${Buffer.from(hex, 'hex').toString('base64url')}`;
}

/** Null for everything that is no token: it may come from anybody. */
export function parseReadToken(text: unknown): Position | null {
  const match = typeof text === 'string' ? form.exec(text) : null;
  if (!match) return null;
  const bytes = Buffer.from(match[1]!, 'base64url');
  const position: Position = {
    systemId: bytes.readBigUInt64BE(0).toString(),
    timeline: bytes.readUInt32BE(bytesOf.systemId),
    lsn: bytes.readBigUInt64BE(bytesOf.systemId + bytesOf.timeline),
  };
  // One text for one position.
  return readTokenOf(position) === text ? position : null;
}
