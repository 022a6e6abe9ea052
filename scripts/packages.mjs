// Decides from npm's lock file, and from what npm wrote down about node_modules, what must be installed.

/**
 * 'run' is what "npm start" runs, 'all' is everything; `undefined` says that nothing is missing. Who has the packages
 * of the tests keeps them: they are brought up to date with the others.
 */
export function packagesToInstall(wanted, lock, installed, machine = process) {
  const there = installed?.packages ?? {};
  const enough = Object.entries(lock.packages).every(
    ([path, entry]) =>
      !path.includes('node_modules/') ||
      (wanted === 'run' && entry.dev) ||
      isSame(entry, there[path]) ||
      (there[path] === undefined && mayBeMissing(entry, machine)),
  );
  if (enough) return undefined;
  return Object.values(there).some(({ dev }) => dev) ? 'all' : wanted;
}

const isSame = (entry, other) =>
  other !== undefined &&
  ['version', 'integrity', 'link'].every(
    (key) => entry[key] === undefined || other[key] === undefined || entry[key] === other[key],
  );

/** npm leaves out what is for another machine. Of a folder from another machine that is what is there. */
function mayBeMissing({ optional, devOptional, os, cpu, libc }, machine) {
  if (!optional && !devOptional) return false;
  const isForThis = os?.includes(machine.platform) && cpu?.includes(machine.arch);
  // Which C library this is, Node does not say in few words.
  return !isForThis || libc !== undefined;
}
