# The keeper, which does with Postgres what the agent orders. It runs as Postgres' account, which comes with the package.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=provision/box/lib-postgres.sh
. "$(dirname "$0")/lib-postgres.sh"

install_postgres
getent group "$KEEPER_GROUP" >/dev/null || groupadd --system "$KEEPER_GROUP"
place keeper
keep_running keeper hotspare-keeper.service restart "$HOTSPARE_DIGEST" "$("$NODE" --version)"
