/**
 * Where a service with roles keeps what all its agents share, in Consul's KV store. Leader, epoch and record change only together
 * with a look at the session that holds the leader key (R1).
 */
export const failoverKeys = (service: string) => {
  const prefix = `hotspare/${service}/`;
  return {
    prefix,
    /** The lock; its value is a `Leader`. */
    leader: `${prefix}leader`,
    /** The number of the newest promotion. */
    epoch: `${prefix}epoch`,
    record: `${prefix}record`,
    policy: `${prefix}policy`,
    /** What an operator ordered and is not through. */
    order: `${prefix}order`,
    events: `${prefix}events/`,
  } as const;
};
