import {
  refusalCodes,
  type ActionAnswer,
  type Refusal,
  type ServiceAction,
} from '../../common/agent/control.js';
import { UserError } from '../../common/errors.js';
import { plainText, plainTexts } from '../../common/text/plain-text.js';
import { record, text } from '../../common/text/json.js';
import type { Secret } from '../../common/secret.js';
import { readAgent, readConsul, whyOf } from '../../status/index.js';

export interface Order {
  readonly action: ServiceAction;
  readonly service: string;
  readonly box: string;
}

export interface OrderOptions {
  readonly secret: Secret;
  /** Where the secret came from, for sentences. */
  readonly secretFile: string;
  /** The agent of the box, if it was named; else Consul is asked for it. */
  readonly agentUrl?: string;
  /** Base URL of a Consul agent. */
  readonly consulUrl: string;
  readonly token?: string;
  /** For each question, in ms. */
  readonly askMs: number;
  /** For the action itself, in ms; longer than the agent's own deadline. */
  readonly actMs: number;
}

/** `NAME@BOX`. Throws UserError, exit code 2. */
export function parseOrder(action: ServiceAction, name: string): Order {
  const [, service, box] = /^([A-Za-z0-9-]+)@([A-Za-z0-9-]+)$/.exec(name) ?? [];
  if (service === undefined || box === undefined)
    throw new UserError(`${JSON.stringify(name)} is no SERVICE@BOX; expected one like todomvc@nginx1`, {
      exitCode: 2,
    });
  return { action, service, box };
}

/** What to do where boxes are processes of one machine. */
export function labHint({ action, service, box }: Order): string {
  const verbs = action === 'restart' ? (['stop', 'start'] as const) : ([action] as const);
  return verbs.map((verb) => `hotspare lab ${verb} ${service}@${box}`).join(' && ');
}

/** Has the box's agent carry it out. Rejects with a UserError, a sentence, when that was not done. */
export async function giveOrder(order: Order, options: OrderOptions): Promise<ActionAnswer> {
  const { box, service } = order;
  const url = options.agentUrl ?? (await agentOf(order, options));
  // The secret goes to nobody who does not answer as that box's agent.
  const agent = await readAgent(url, options.askMs);
  if (agent.kind === 'failed')
    throw new UserError(
      `${box} cannot be told: ${agent.why}. If the box is up, do it there with systemctl, and see to hotspare-agent.service`,
    );
  if (agent.status.box !== box)
    throw new UserError(`the agent at ${url} is that of ${agent.status.box}, not of ${box}`);
  const { body, status } = await post(url, order, options);
  if (status === 200) return parseAnswer(url, body);
  throw new UserError(sentence(order, options, parseRefusal(url, status, body)), {
    exitCode: status === 401 || status === 403 ? 2 : 1,
  });

  function sentence(order: Order, { secretFile }: OrderOptions, { code, error }: Refusal): string {
    switch (code) {
      case 'secret-wrong':
      case 'secret-missing':
        return `the agent of ${box} refuses the secret in ${secretFile}: it must be the one in the file http.secretFile of that agent`;
      case 'no-secret':
      case 'no-unit':
        return `${box}: ${error}. Is this a lab? There: ${labHint(order)}`;
      default:
        return `${service}@${box}: ${error}`;
    }
  }
}

async function agentOf(order: Order, options: OrderOptions): Promise<string> {
  const { box, service } = order;
  const { consulUrl, token, askMs } = options;
  const reading = await readConsul({
    service,
    consulUrl,
    timeoutMs: askMs,
    ...(token === undefined ? {} : { token }),
  });
  if (reading.kind === 'failed')
    throw new UserError(
      `${reading.why}. Name the agent itself: --agent http://ADDRESS:8008, or another Consul: --consul URL`,
    );
  const entry = reading.entries.find((one) => one.box === box);
  if (entry?.agentUrl !== undefined) return entry.agentUrl;
  if (entry) throw new UserError(`Consul names no agent for ${service} on ${box}; name it with --agent URL`);
  const boxes = reading.entries.map((one) => one.box).sort();
  const there = boxes.length > 0 ? `it is on ${boxes.join(', ')}` : `it lists none anywhere`;
  throw new UserError(
    `Consul lists no ${service} on ${box}; ${there}. If it should be there, see to that box's hotspare-agent.service`,
  );
}

async function post(
  url: string,
  { action, service }: Order,
  { actMs, secret }: OrderOptions,
): Promise<{ status: number; body: unknown }> {
  let response: Response;
  try {
    response = await fetch(`${url}/v1/services/${service}/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret.reveal()}` },
      signal: AbortSignal.timeout(actMs),
      redirect: 'error',
    });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  } catch (error) {
    throw new UserError(
      `the agent at ${url} was told to ${action} ${service}, and did not say what came of it: ${whyOf(error, actMs)}; it may still be done`,
      { cause: error },
    );
  }
}

function parseAnswer(url: string, body: unknown): ActionAnswer {
  try {
    const answer = record(body);
    for (const key of ['service', 'unit', 'action', 'state']) text(answer[key]);
    return plainTexts(body as ActionAnswer);
  } catch {
    throw new UserError(`what answers at ${url} is no hotspare agent`);
  }
}

function parseRefusal(url: string, status: number, body: unknown): Refusal {
  try {
    const { code, error } = record(body);
    const known = refusalCodes.find((one) => one === code);
    if (known !== undefined) return { code: known, error: plainText(text(error)) };
  } catch {
    // Said below.
  }
  throw new UserError(
    `the agent at ${url} answers with HTTP status ${status}; is it as new as this command?`,
  );
}
