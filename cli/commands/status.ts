import { Command } from 'commander';
import type { Io } from '../io.js';
export function statusCommand(_p: Command, _io: Io, _end: (c: number) => void): void {}
