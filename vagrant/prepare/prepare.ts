import { join } from 'node:path';
import { payloadOf, type Payload } from '../../provision/payload.js';
import type { BoxesSite } from '../../provision/site.js';
import { stateFiles } from '../state.js';
import { newestDump } from './newest-dump.js';
import { nodePackage } from './node-package.js';
import { hotsparePackage } from './package.js';
import { writePayload } from './payload.js';

export interface Preparation {
  readonly site: BoxesSite;
  /** The package: where bin/, dist/ and provision/ lie. */
  readonly root: string;
  /** .vagrant/hotspare */
  readonly state: string;
  /** Where destroyed boxes left their dumps. */
  readonly backups: string;
  /** Whether the boxes come without Node. */
  readonly sendNode: boolean;
}

/** Makes everything the boxes get, one payload a box. Repeatable; what did not change is not made again. */
export async function preparePayloads({ site, root, state, backups, sendNode }: Preparation): Promise<void> {
  const files = stateFiles(state);
  const [hotspare, node] = await Promise.all([
    hotsparePackage(root, files.packages),
    sendNode ? nodePackage(files.packages, process.arch) : undefined,
  ]);
  const scripts = join(root, 'provision');
  const dump = newestDump(backups);
  await Promise.all(
    site.topology.boxes.map((box) => {
      const payload: Payload = payloadOf(site, box, join(scripts, 'templates'));
      const isFirst = box.name === site.topology.postgres.firstPrimary;
      const input = {
        box: box.name,
        payload,
        scripts,
        package: hotspare,
        node,
        dump: isFirst ? dump : undefined,
      };
      return writePayload(files.payload, input);
    }),
  );
}
