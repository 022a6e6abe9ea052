import { main } from './main.js';

/** `hotspare agent hand-over`, as a program of its own: what stops Postgres needs neither a wrapper nor a checkout that is up to date. */
process.exitCode = await main(['agent', 'hand-over', ...process.argv.slice(2)]);
