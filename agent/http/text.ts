import type { AgentStatus } from '../../common/agent/status.js';
import { plainText } from '../../common/text/plain-text.js';

/** The status for a person with curl. */
export function statusText(status: AgentStatus): string {
  const services = status.services.map((service) => {
    const role = service.role ? ` (${service.role})` : '';
    return `${service.name}${role}: ${service.state} since ${service.since}: ${service.detail}`;
  });
  const consul = status.consul.reachable ? 'reachable' : 'not reachable';
  const files = (status.templates ?? []).flatMap(
    ({ destination, state, detail, leftOut = [], doubted = [] }) => [
      `${destination}: ${state}${detail ? `: ${detail}` : ''}`,
      ...[...leftOut, ...doubted].map((sentence) => `  ${sentence}`),
    ],
  );
  return [
    `hotspare agent ${status.version} on ${status.box}`,
    ...services,
    `consul: ${consul} since ${status.consul.since}${status.consul.detail ? `: ${status.consul.detail}` : ''}`,
    ...files,
    'everything as JSON: /v1/status',
    '',
  ]
    .map(plainText)
    .join('\n');
}
