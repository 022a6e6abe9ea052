/**
 * A bound that is only a safety net, ms: what a test proves does not depend on it. A machine that is busy with something
 * else must not fail a test, and one that hangs must.
 */
export const eventuallyMs = 30_000;

/**
 * A bound for what has to be told, not found out: below the shortest wait that would find it out (the page asks anew after
 * 10 s, a load balancer gives up after 15 s), and far above what a busy machine needs. The figure itself is printed.
 */
export const toldMs = 9_000;

/** A `connectionTimeoutMillis` that is waited for in full, and in which a busy machine still connects. */
export const briefMs = 2_000;

/**
 * Timings of the library for tests in which servers die, stop or answer, but none falls silent: a server that is slow
 * because the machine is busy is not given up. How fast silence is noticed has tests of its own, with the defaults.
 */
export const patient = { heartbeatTimeoutMs: 10_000, connectDeadlineMs: 30_000 };
