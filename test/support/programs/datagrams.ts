import { spawn } from 'node:child_process';
import { eventuallyMs } from '../patience.js';
import { waitFor } from '../wait.js';

const script = `
use strict; use Socket;
$| = 1;
my $name = $ARGV[0];
$name =~ s/^\\@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "$!";
bind($socket, pack_sockaddr_un($name)) or die "$!";
print "bound\\n";
while (defined recv($socket, my $text, 65536, 0)) { $text =~ tr/\\n/|/; print "$text\\n"; }
`;

export interface Datagrams {
  /** What came, in order; line ends as `|`. */
  readonly received: readonly string[];
  close(): void;
}

/** Receives datagrams at a real unix socket: a path, or `@name`. */
export async function receiveDatagrams(socket: string): Promise<Datagrams> {
  const child = spawn('perl', ['-e', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  await waitFor('the receiver', eventuallyMs, () => lines.shift() === 'bound');
  return { received: lines, close: () => child.kill('SIGKILL') };
}
