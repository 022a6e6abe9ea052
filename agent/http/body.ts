import type { IncomingMessage } from 'node:http';

/** Of a request of any kind, in bytes; what says nothing is not even kept. */
export const mostBodyBytes = 64 * 1024;

/** Reads a body whole. `too-long`: more than `mostBodyBytes`; `gone`: whoever sent it hung up. */
export function readBody(request: IncomingMessage): Promise<{ readonly text: string } | 'too-long' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > mostBodyBytes) return Promise.resolve('too-long');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBodyBytes) resolve('too-long');
      else chunks.push(chunk);
    });
    request.on('end', () => resolve({ text: Buffer.concat(chunks).toString('utf8') }));
    request.on('close', () => resolve('gone'));
  });
}
