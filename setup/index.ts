/** What the command line uses of the set-up of packages. */
export { installMissing, missingPackages, type Purposes } from './packages.js';
