import type { IncomingMessage } from 'node:http';

/** Reads a body that says nothing. `too-long`: more than `mostBytes`; `gone`: whoever sent it hung up. */
export function drain(request: IncomingMessage, mostBytes: number): Promise<'done' | 'too-long' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return Promise.resolve('too-long');
  return new Promise((resolve) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) resolve('too-long');
    });
    request.on('end', () => resolve('done'));
    request.on('close', () => resolve('gone'));
  });
}
