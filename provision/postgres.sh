# Postgres: the first primary is made, every other member is a clone of it that follows.
# shellcheck shell=bash source=provision/lib.sh
. "$(dirname "$0")/lib.sh"

version=15
cluster=$version/main
data=/var/lib/postgresql/$cluster
config=/etc/postgresql/$cluster
unit=postgresql@$version-main.service
as_postgres() { runuser -u postgres -- "$@"; }
sql() { as_postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${database:-postgres}" "$@"; }

# Debian makes and starts a cluster of its own when the package comes; this box gets its own further down.
if [ ! -d /etc/postgresql-common ]; then
  install -d /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/hotspare.conf
fi
ensure_packages "postgresql-$version"

# What logs in at the primary before this box's own files are in place.
passfile=/run/hotspare-clone.pgpass
trap 'rm -f "$passfile"' EXIT
primary="host=$PRIMARY_ADDRESS port=$POSTGRES_PORT user=hotspare_replication passfile=$passfile connect_timeout=5"
ask_primary() { as_postgres psql -X -q -A -t -d "$primary replication=true" -c "$1"; }

# It may still be in the making: boxes come up side by side.
wait_for_primary() {
  install -m 600 -o postgres -g postgres "$payload/files$config/replication.pgpass" "$passfile"
  local deadline=$((SECONDS + 120)) said
  until said=$(ask_primary IDENTIFY_SYSTEM 2>&1); do
    [ $SECONDS -lt $deadline ] ||
      fail "the primary $PRIMARY ($PRIMARY_ADDRESS) does not let this box in: $said. If this box is new to it: vagrant provision $PRIMARY"
    sleep 0.5
  done
}

# A database is made beside and moved in at the end: what was begun and not finished is never taken for one.
make_primary() {
  say 'make a database'
  as_postgres "/usr/lib/postgresql/$version/bin/initdb" -D "$data.unfinished" -E UTF8 --locale=C.UTF-8 \
    --auth-local=peer --auth-host=scram-sha-256 --data-checksums >"$payload/initdb.log" 2>&1 ||
    fail "initdb failed: $(tail -n 3 "$payload/initdb.log")"
  # Only a database made anew takes the kept dump.
  touch "$stamps/restore-wanted"
}

# The slot keeps what is written while the copy is made. One from an earlier life of this box may have lost what it kept,
# and may count as active until the primary has noticed that its reader is gone.
fresh_slot() {
  local deadline=$((SECONDS + 60))
  until
    ask_primary "DROP_REPLICATION_SLOT $SLOT" >"$payload/clone.log" 2>&1 || true
    ask_primary "CREATE_REPLICATION_SLOT $SLOT PHYSICAL" >"$payload/clone.log" 2>&1
  do
    [ $SECONDS -lt $deadline ] || fail "$PRIMARY makes no replication slot: $(cat "$payload/clone.log")"
    sleep 1
  done
}

clone_primary() {
  wait_for_primary
  say "clone $PRIMARY"
  fresh_slot
  as_postgres "/usr/lib/postgresql/$version/bin/pg_basebackup" -d "$primary" -D "$data.unfinished" -X stream \
    -c fast -S "$SLOT" >"$payload/clone.log" 2>&1 ||
    fail "$PRIMARY ($PRIMARY_ADDRESS) could not be cloned: $(tail -n 3 "$payload/clone.log")"
  as_postgres touch "$data.unfinished/standby.signal"
  # Debian keeps a primary's settings elsewhere, so the copy has none; pg_createcluster wants some to begin with.
  local name
  for name in postgresql pg_hba pg_ident; do
    [ -f "$data.unfinished/$name.conf" ] ||
      install -m 640 -o postgres -g postgres "/usr/share/postgresql/$version/$name.conf.sample" "$data.unfinished/$name.conf"
  done
}

if [ ! -f "$data/PG_VERSION" ]; then
  install -d -o postgres -g postgres "$(dirname "$data")"
  rm -rf "$data.unfinished"
  if [ "$IS_FIRST_PRIMARY" = true ]; then make_primary; else clone_primary; fi
  [ ! -d "$data" ] || rmdir "$data" || fail "$data is not empty and holds no database: look what it is"
  mv "$data.unfinished" "$data"
fi
[ -f "$config/postgresql.conf" ] || {
  pg_createcluster "$version" main --start-conf=auto >"$payload/createcluster.log" 2>&1 ||
    fail "pg_createcluster: $(tail -n 3 "$payload/createcluster.log")"
}
place postgres

digest=$(digest_of postgres)
if ! systemctl is-active -q "$unit"; then
  say "start $unit"
  # By way of the distribution's own unit, which stands for all clusters of the box.
  systemctl start postgresql.service "$unit" || last_words "$unit"
elif needs_effect postgres "$digest"; then
  say "reload $unit"
  systemctl reload "$unit"
  sleep 0.2
  if [ "$(sql -c 'SELECT count(*) FROM pg_settings WHERE pending_restart')" != 0 ]; then
    say "restart $unit"
    systemctl restart "$unit" || last_words "$unit"
  fi
fi
has_effect postgres "$digest"

if [ "$(sql -c 'SELECT pg_is_in_recovery()')" = t ]; then
  say "Postgres $(sql -c 'SHOW server_version'), replica"
  exit 0
fi
sql -f - <"$payload/staged/roles.sql" >"$payload/roles.log" 2>&1 || fail "roles and databases: $(tail -n 3 "$payload/roles.log")"
if [ -f "$stamps/restore-wanted" ]; then
  if [ -f "$payload/staged/restore.dump" ]; then
    as_postgres pg_restore --clean --if-exists --single-transaction --exit-on-error -d todo \
      <"$payload/staged/restore.dump" 2>"$payload/restore.log" || fail "the kept dump was refused: $(tail -n 3 "$payload/restore.log")"
    say "restored $RESTORE_NAME: $(database=todo sql -c 'SELECT count(*) FROM todo.todos') todos"
  fi
  rm -f "$stamps/restore-wanted"
fi
say "Postgres $(sql -c 'SHOW server_version'), primary"
