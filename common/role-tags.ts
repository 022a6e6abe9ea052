import type { Role } from './names.js';

/** Which Consul tags mean a role, the usual one first. Patroni before 3.0 calls the primary nothing but `master`. */
export const tagsOf: Readonly<Record<Role, readonly string[]>> = {
  primary: ['primary', 'master'],
  replica: ['replica'],
};
