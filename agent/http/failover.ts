import type { HistoryAnswer, OrderAnswer, PolicyAnswer } from '../../common/agent/control.js';
import { assertNever } from '../../common/assert-never.js';
import { messageOf } from '../../common/errors.js';
import { orderRequest, policyRequest, type FailoverReport } from '../../common/failover/report.js';
import type { Shape } from '../../common/keeper/shape.js';
import type { FailoverControl, Told } from '../ports.js';
import { refuse, type Route } from './route.js';

type Asked = Extract<Route, { kind: 'report' | 'history' | 'order' | 'policy' }>;
type Said =
  | { readonly answer: FailoverReport | HistoryAnswer | OrderAnswer | PolicyAnswer }
  | Extract<Route, { kind: 'refuse' }>;

/** Answers what is asked or told of a service's failover. */
export async function answerFailover(
  { kind, service }: Asked,
  body: string,
  from: string,
  failover: FailoverControl,
): Promise<Said> {
  switch (kind) {
    case 'report':
      return { answer: await failover.report(service) };
    case 'history':
      return said(service, await failover.history(service));
    case 'order':
      return withBody(body, orderRequest, async (request) =>
        said(service, await failover.order(service, request, from)),
      );
    case 'policy':
      return withBody(body, policyRequest, async (request) =>
        said(service, await failover.setPolicy(service, request, from)),
      );
    default:
      return assertNever(kind);
  }
}

async function withBody<T>(body: string, shape: Shape<T>, then: (value: T) => Promise<Said>): Promise<Said> {
  let value: T;
  try {
    value = shape.read(JSON.parse(body), 'the body');
  } catch (error) {
    return refuse('bad-body', error instanceof SyntaxError ? 'the body is not JSON' : messageOf(error));
  }
  return then(value);
}

function said<T extends object>(service: string, told: Told<T>): Said {
  if (told.kind === 'refused') return refuse(told.code, told.why);
  const { kind: _, ...answer } = told;
  return { answer: { service, ...answer } as HistoryAnswer | OrderAnswer | PolicyAnswer };
}
