# Postgres: the first primary is made, every other member is a clone of it that follows. Where roles are managed, of whoever is primary.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=provision/box/lib-postgres.sh
. "$(dirname "$0")/lib-postgres.sh"

unit=postgresql@$POSTGRES_MAJOR-main.service

install_postgres
make_passfile

[ -f "$data/PG_VERSION" ] || make_data
[ -f "$config/postgresql.conf" ] || {
  pg_createcluster "$POSTGRES_MAJOR" main --start-conf=auto >"$payload/createcluster.log" 2>&1 ||
    fail "pg_createcluster: $(tail -n 3 "$payload/createcluster.log")"
}
place postgres
include_keeper_settings
[ "$(systemctl show -p NeedDaemonReload --value "$unit")" = no ] || systemctl daemon-reload

digest=$(digest_of postgres)
if ! systemctl is-active -q "$unit"; then
  say "start $unit"
  # By way of the distribution's own unit, which stands for all clusters of the box.
  systemctl start postgresql.service "$unit" || last_words "$unit"
elif needs_effect postgres "$digest"; then
  say "reload $unit"
  loaded=$(sql -c 'SELECT pg_conf_load_time()') || last_words "$unit"
  systemctl reload "$unit"
  for _ in $(seq 100); do
    [ "$(sql -c 'SELECT pg_conf_load_time()')" = "$loaded" ] || break
    sleep 0.1
  done
  if [ "$(sql -c 'SELECT count(*) FROM pg_settings WHERE pending_restart')" != 0 ]; then
    say "restart $unit"
    systemctl restart "$unit" || last_words "$unit"
  fi
fi
has_effect postgres "$digest"

if [ -f "$stamps/promotion-wanted" ]; then
  [ "$(sql -c 'SELECT NOT pg_is_in_recovery() OR pg_promote(true, 60)')" = t ] || fail 'the copy of the replica could not be promoted'
  rm -f "$stamps/promotion-wanted"
  say 'promoted: its own disk was gone, the data are those of its replica'
fi

is_replica=$(sql -c 'SELECT pg_is_in_recovery()') || last_words "$unit"
if [ "$is_replica" = t ]; then
  [ "$IS_FIRST_PRIMARY" = true ] || [ "$IS_MANAGED" = true ] || check_same_system
  say "Postgres $(sql -c 'SHOW server_version'), replica"
  exit 0
fi
[ "$IS_FIRST_PRIMARY" = true ] || [ "$IS_MANAGED" = true ] || check_same_system
# Behind a closed gate no commit returns; the holder's agent opens it, and what is not the holder must write nothing.
case $(sql -c 'SHOW synchronous_standby_names') in
*'"hotspare gate '*)
  say "Postgres $(sql -c 'SHOW server_version'), behind its gate: roles and databases are left as they are"
  exit 0
  ;;
esac

# What a destruction that was called off may have left: see vagrant/ruby/backup.rb.
if [ "$(sql -c "SELECT count(*) FROM pg_settings WHERE name = 'default_transaction_read_only' AND sourcefile LIKE '%auto.conf'")" != 0 ]; then
  say 'writable again'
  PGOPTIONS='-c default_transaction_read_only=off' sql -c 'ALTER SYSTEM RESET default_transaction_read_only' -c 'SELECT pg_reload_conf()' >"$payload/reset.log"
fi

PGOPTIONS='-c default_transaction_read_only=off' sql -f - <"$payload/staged/roles.sql" >"$payload/roles.log" 2>&1 ||
  fail "roles and databases: $(tail -n 3 "$payload/roles.log")"

if [ -f "$stamps/restore-wanted" ] && [ -f "$payload/staged/restore.dump" ]; then
  rows="SELECT CASE WHEN to_regclass('todo.todos') IS NULL THEN 0 ELSE (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM todo.todos', false, true, '')))[1]::text::int END"
  if [ "$(database=todo sql -c "$rows")" = 0 ]; then
    as_postgres pg_restore --clean --if-exists --single-transaction --exit-on-error -d todo \
      <"$payload/staged/restore.dump" 2>"$payload/restore.log" || fail "the kept dump was refused: $(tail -n 3 "$payload/restore.log")"
    rm -f "$stamps/restore-wanted"
    say "restored $RESTORE_NAME: $(database=todo sql -c "$rows") todos"
  else
    say "not restored: $RESTORE_NAME, since there are todos already"
  fi
fi
rm -f "$stamps/restore-wanted"
say "Postgres $(sql -c 'SHOW server_version'), primary"
