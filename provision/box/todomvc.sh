# The sample web app.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

place todomvc
keep_running todomvc todomvc.service restart "$HOTSPARE_DIGEST" "$("$NODE" --version)"
