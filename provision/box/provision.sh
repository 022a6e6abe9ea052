#!/bin/bash
# Makes this box what the topology says: runs its concerns in order. Repeatable; a second run changes nothing.
#   provision.sh [CONCERN...]     default: all of this box's concerns
# Run as root from the unpacked payload, which holds the box's files and its variables (box.env).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091
. "$here/box.env"

exec 9>/run/hotspare-provision.lock
flock -w 30 9 || { echo "hotspare: $BOX is being provisioned by somebody else" >&2; exit 1; }

install -d -m 700 /var/lib/hotspare-provision
[ $# -gt 0 ] || set -- $CONCERNS
for concern; do
  [[ " $CONCERNS " == *" $concern "* ]] || { echo "hotspare: there is no concern \"$concern\" on $BOX; there are: $CONCERNS" >&2; exit 2; }
  echo "$concern"
  if [ -f "$here/$concern.sh" ]; then bash "$here/$concern.sh"; else bash "$here/service.sh" "$concern"; fi
done
