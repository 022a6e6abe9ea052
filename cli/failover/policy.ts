import { UserError } from '../../common/errors.js';
import type { FailoverReport, PolicyRequest } from '../../common/failover/report.js';
import type { Policy } from '../../common/failover/shapes.js';

/** What `hotspare policy set` takes. */
const settable = {
  roles: ['observe', 'managed'],
  promotion: ['manual', 'auto'],
  durability: ['async', 'sync'],
  strict: ['true', 'false'],
  maxFailovers: 'a whole number from 0 to 1000',
} as const;
type Key = keyof typeof settable;

/** `key=value …`. Throws UserError, exit code 2. */
export function parsePolicy(words: readonly string[]): PolicyRequest {
  const request: Record<string, string | number | boolean> = {};
  const refuse = (why: string): never => {
    throw new UserError(why, { exitCode: 2 });
  };
  for (const word of words) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(word) ?? [];
    if (!Object.hasOwn(settable, key))
      refuse(
        `${JSON.stringify(word)}: expected KEY=VALUE with one of ${Object.keys(settable).join(', ')}; "hotspare pause" pauses`,
      );
    const values: readonly string[] | string = settable[key as Key];
    const isFit =
      typeof values === 'string' ? /^\d{1,4}$/.test(value) && Number(value) <= 1_000 : values.includes(value);
    if (!isFit)
      refuse(
        `${key} is ${JSON.stringify(value)}; expected ${typeof values === 'string' ? values : `one of ${values.join(', ')}`}`,
      );
    if (key in request) refuse(`${key} is given twice`);
    request[key] = key === 'strict' ? value === 'true' : typeof values === 'string' ? Number(value) : value;
  }
  if (words.length === 0) refuse('policy set: expected KEY=VALUE, such as roles=managed');
  return request as PolicyRequest;
}

/** What is promised less after the change, or waits, a line each; empty: nothing. Pure. */
export function losesSafety(before: Policy, change: PolicyRequest): string[] {
  const after = { ...before, ...change };
  return [
    ...(before.roles === 'managed' && after.roles === 'observe'
      ? ['roles=observe: the agents only watch; a primary that dies stays away until somebody sees to it.']
      : []),
    ...(before.durability === 'sync' && after.durability === 'async'
      ? ['durability=async: a promotion may lose commits that were acknowledged.']
      : []),
    ...(after.durability === 'sync' && after.strict && !(before.durability === 'sync' && before.strict)
      ? ['strict=true: without a standby that keeps up, every write waits, for as long as that takes.']
      : []),
    ...(before.promotion === 'auto' && after.promotion === 'manual'
      ? ['promotion=manual: a primary that is lost is not replaced until an operator says so.']
      : []),
    ...(before.strict && !after.strict
      ? ['strict=false: without a standby the primary acknowledges commits that only it has.']
      : []),
  ];
}

/** The policy in force, as the agents see it. */
export function policyIn(reports: readonly FailoverReport[]): Policy {
  const [policy] = reports.flatMap(({ shared }) => (shared.kind === 'read' ? shared.policy : []));
  if (policy) return policy;
  const whys = reports.flatMap(({ shared }) => (shared.kind === 'unread' ? shared.why : []));
  throw new UserError(`the policy stands in Consul, which cannot be read: ${[...new Set(whys)].join('; ')}`);
}

export const policyText = (policy: Policy): string =>
  Object.entries(policy)
    .map(([key, value]) => `${key}=${String(value)}\n`)
    .join('');
