# The hotspare agent.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

place agent
keep_running agent hotspare-agent.service restart "$HOTSPARE_DIGEST" "$("$NODE" --version)"
