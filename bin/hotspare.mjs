#!/usr/bin/env node
// Plain JavaScript on purpose: it must run in a fresh checkout, before npm packages and the build exist.
import { prepare } from '../scripts/prepare.mjs';

await prepare();
const { main } = await import('../dist/cli/main.js');
process.exitCode = await main(process.argv.slice(2));
