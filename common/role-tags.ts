import type { Role } from './names.js';

/** Which Consul tags mean a role, the usual one first. Patroni before 3.0 calls the primary nothing but `master`. */
export const tagsOf: Readonly<Record<Role, readonly string[]>> = {
  primary: ['primary', 'master'],
  replica: ['replica'],
};

/** The role that the tags of a service mean; undefined: they mean none. */
export const roleIn = (tags: readonly string[]): Role | undefined =>
  (['primary', 'replica'] as const).find((role) => tagsOf[role].some((tag) => tags.includes(tag)));
