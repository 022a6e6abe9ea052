export interface BucketOptions {
  /** How many may be taken at once. */
  readonly capacity: number;
  /** One more comes back after so many ms. */
  readonly refillMs: number;
}

/** What is left, fractions included, and when that was so. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export function fullBucket(options: BucketOptions, nowMs: number): Bucket {
  return { tokens: options.capacity, atMs: nowMs };
}

/** The bucket after one token was taken; undefined when there is none. */
export function takeToken(bucket: Bucket, nowMs: number, options: BucketOptions): Bucket | undefined {
  const { capacity, refillMs } = options;
  const tokens = Math.min(capacity, bucket.tokens + Math.max(0, nowMs - bucket.atMs) / refillMs);
  return tokens < 1 ? undefined : { tokens: tokens - 1, atMs: nowMs };
}
