import { join } from 'node:path';
import { payloadOf, type Payload } from '../../provision/box/payload.js';
import type { BoxesSite } from '../../provision/site/site.js';
import { stateFiles } from '../state.js';
import type { Dump } from './dumps.js';
import { nodePackage } from './node-package.js';
import { hotsparePackage } from './package.js';
import { writePayload } from './payload.js';

export interface Preparation {
  readonly site: BoxesSite;
  /** The package: where bin/, dist/ and provision/ lie. */
  readonly root: string;
  /** .vagrant/hotspare */
  readonly state: string;
  /** What destroyed boxes left last, for a primary that is made from nothing. */
  readonly dump: Dump | undefined;
  /** Whether the boxes come without Node. */
  readonly sendNode: boolean;
}

/** Makes everything the boxes get, one payload a box. Repeatable; what did not change is not made again. */
export async function preparePayloads({ site, root, state, dump, sendNode }: Preparation): Promise<void> {
  const files = stateFiles(state);
  const [hotspare, node] = await Promise.all([
    hotsparePackage(root, files.packages),
    sendNode ? nodePackage(files.packages, process.arch) : undefined,
  ]);
  const scripts = join(root, 'provision/box');
  await Promise.all(
    site.topology.boxes.map((box) => {
      const payload: Payload = payloadOf(site, box, join(root, 'provision/templates'));
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
