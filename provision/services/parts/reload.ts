import { system } from '../../site/real-boxes.js';

/** Reloads a unit of a real box. A program that an operator stopped is left alone, and reads its files when it is started. */
export function reloadOf(unit: string): string[] {
  return [system.systemctl, '--no-ask-password', 'try-reload-or-restart', unit];
}
