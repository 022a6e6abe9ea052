import { assertNever } from '../common/assert-never.js';
import type { Facts, Request, ResultOf, Verb } from '../common/keeper/protocol.js';
import type { Box, Order } from './box.js';
import { checkpoint } from './verbs/checkpoint.js';
import { drain } from './verbs/drain.js';
import { facts } from './verbs/facts.js';
import { fence } from './verbs/fence.js';
import { follow } from './verbs/follow.js';
import { gate } from './verbs/gate.js';
import { init } from './verbs/init.js';
import { promote } from './verbs/promote.js';
import { rejoin } from './verbs/rejoin.js';
import { slots } from './verbs/slots.js';

/** The closed list: what a keeper can do, and nothing else. `current`: the order under way, for `facts`. */
export function carryOut(
  box: Box,
  request: Request,
  order: Order,
  current: Facts['order'],
): Promise<ResultOf<Verb>> {
  switch (request.verb) {
    case 'facts':
      return facts(box, current);
    case 'init':
      return init(box, request, order);
    case 'gate':
      return gate(box, request, order);
    case 'promote':
      return promote(box, request, order);
    case 'fence':
      return fence(box, order);
    case 'follow':
      return follow(box, request, order);
    case 'rejoin':
      return rejoin(box, request, order);
    case 'drain':
      return drain(box, request, order);
    case 'slots':
      return slots(box, request);
    case 'checkpoint':
      return checkpoint(box, order);
    default:
      return assertNever(request);
  }
}
