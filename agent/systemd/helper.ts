/**
 * Node has no datagram sockets of the unix family. Perl has, and is on every Debian (perl-base); one that stays costs
 * nothing, while a `systemd-notify` per message costs a process each. It sends every line it reads as one datagram, tabs
 * as line ends, and ends with its standard input; an orderly stop's SIGTERM to the whole unit must not end it before.
 */
export const helperScript = `
use strict; use warnings; use Socket;
$SIG{$_} = 'IGNORE' for qw(TERM INT HUP);
$| = 1;
my $name = $ENV{NOTIFY_SOCKET};
$name =~ s/^\\@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\\n";
my $to = pack_sockaddr_un($name);
print "ready\\n";
while (my $line = <STDIN>) {
  chomp $line;
  $line =~ tr/\\t/\\n/;
  defined send($socket, $line, 0, $to) or print STDERR "send: $!\\n";
}
`;

/** One datagram of these assignments, as the helper reads it. */
export function helperLine(assignments: readonly string[]): string {
  return `${assignments.map((one) => one.replace(/[\t\r\n]+/g, ' ')).join('\t')}\n`;
}
