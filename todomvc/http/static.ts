import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { problemReply, type Reply } from './reply.js';

interface StaticFile {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** By request path. Only what is in this map is served, so no path can lead elsewhere. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing from elsewhere; the TodoMVC style sheet has its pictures inline. */
const contentSecurityPolicy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'";

/** Reads the page (some small files) once: it does not depend on the disk afterwards. */
export function loadStaticFiles(): StaticFiles {
  const folder = fileURLToPath(new URL('../public/', import.meta.url));
  const files = new Map<string, StaticFile>();
  for (const name of readdirSync(folder)) {
    const type = types[extname(name)];
    if (type !== undefined) files.set(`/${name}`, staticFile(readFileSync(join(folder, name)), type));
  }
  const styleSheet = createRequire(import.meta.url).resolve('todomvc-app-css/index.css');
  files.set('/todomvc-app.css', staticFile(readFileSync(styleSheet), types['.css'] as string));
  const index = files.get('/index.html');
  if (index === undefined) throw new Error(`${folder} has no index.html`);
  return files.set('/', index);
}

export function staticReply(files: StaticFiles, path: string, ifNoneMatch: string | undefined): Reply {
  const file = files.get(path);
  if (file === undefined) return problemReply('not-found', 'The page is at /, the API at /todos.');
  const known = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known?.some((tag) => tag === '*' || tag === file.headers['ETag']))
    return { status: 304, headers: file.headers };
  return { status: 200, headers: file.headers, body: file.body };
}

function staticFile(body: Buffer, type: string): StaticFile {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return {
    body,
    headers: {
      'Content-Type': type,
      ETag: `"${digest}"`,
      // Always asked again, answered with 304: a new version is seen at once, on every box alike.
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': contentSecurityPolicy,
      'Referrer-Policy': 'same-origin',
    },
  };
}
