import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What is kept on the host beside Vagrant's own notes: `folder` is .vagrant/hotspare, mode 0700. */
export function stateFiles(folder: string) {
  return {
    folder,
    secrets: join(folder, 'secrets.json'),
    managementToken: join(folder, 'management.token'),
    tls: join(folder, 'tls'),
    packages: join(folder, 'packages'),
    payload: join(folder, 'payload'),
  };
}

export type StateFiles = ReturnType<typeof stateFiles>;

/** Makes a folder only its owner may enter. */
export function privateFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return folder;
}
