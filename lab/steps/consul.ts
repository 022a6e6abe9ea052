import { rmSync } from 'node:fs';
import { UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { LostManagementToken, setUpAcl, waitForLeader } from '../../provision/consul/set-up.js';
import { addressOf, portOf } from '../../provision/site/site.js';
import type { Box } from '../../provision/topology/topology.js';
import type { Lab } from '../lab.js';
import type { Progress } from '../../common/runtime/progress.js';
import { mendConsulData } from './empty-files.js';
import { lastWords, startUnit } from './start.js';

/** Starts the Consul servers, sets up access control, then starts the clients. */
export async function consulUp(lab: Lab, progress: Progress, signal: AbortSignal): Promise<void> {
  const { boxes } = lab.site.topology;
  const servers = boxes.filter((box) => box.consul === 'server');
  const clients = boxes.filter((box) => box.consul === 'client');
  const names = (some: readonly Box[]) => some.map(({ name }) => name).join(', ');
  await progress.step(`Consul servers on ${names(servers)}`, async () => {
    await serversUp(lab, servers, progress, signal);
    try {
      await accessControl(lab, servers, signal);
    } catch (error) {
      if (!(error instanceof LostManagementToken)) throw error;
      // Killed between the bootstrap and the note of its token: this Consul never held anything yet.
      await Promise.all(servers.map((box) => lab.services.stop(`consul@${box.name}`)));
      for (const box of boxes) rmSync(lab.site.pathsOf(box).consulData, { recursive: true, force: true });
      await serversUp(lab, servers, progress, signal);
      await accessControl(lab, servers, signal);
    }
  });
  if (clients.length === 0) return;
  await progress.step(`Consul clients on ${names(clients)}`, async () => {
    await Promise.all(clients.map((box) => startConsul(lab, box, progress)));
  });
}

/** Says and mends what a power cut has emptied, unless it runs already. */
async function startConsul(lab: Lab, box: Box, progress: Progress): Promise<void> {
  const unit = `consul@${box.name}`;
  const { state } = await lab.services.status(unit);
  if (state !== 'running' && state !== 'frozen')
    for (const file of mendConsulData(lab.site.pathsOf(box).consulData))
      progress.note(`  ${file} was empty, as after a power cut: removed, Consul makes it anew`);
  await startUnit(lab, unit);
}

async function serversUp(
  lab: Lab,
  servers: readonly Box[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(servers.map((box) => startConsul(lab, box, progress)));
  await orLastWords(
    lab,
    servers,
    waitForLeader({ servers: urlsOf(lab, servers), clock: systemClock, signal }),
  );
}

/** A server that has ended knows better than "connection refused" why. */
async function orLastWords(lab: Lab, servers: readonly Box[], work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    for (const unit of servers.map((box) => `consul@${box.name}`)) {
      const { state } = await lab.services.status(unit);
      if (state === 'failed')
        throw new UserError(`${unit} has ended. ${lastWords(lab, unit)}`, { cause: error });
    }
    throw error;
  }
}

async function accessControl(lab: Lab, servers: readonly Box[], signal: AbortSignal): Promise<void> {
  const setUp = setUpAcl({
    topology: lab.site.topology,
    secrets: lab.site.secrets,
    servers: urlsOf(lab, servers),
    managementTokenFile: lab.files.managementToken,
    clock: systemClock,
    signal,
  });
  await orLastWords(lab, servers, setUp);
}

function urlsOf(lab: Lab, boxes: readonly Box[]): string[] {
  return boxes.map((box) => `http://${addressOf(lab.site, box)}:${portOf(lab.site, 'consulHttp')}`);
}
