# How a member's data come to be; sourced by postgres.sh.
# shellcheck shell=bash

data=$POSTGRES_DATA
config=$POSTGRES_SETTINGS
programs=$POSTGRES_PROGRAMS
as_postgres() { runuser -u postgres -- "$@"; }
sql() { as_postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${database:-postgres}" "$@"; }

# Debian makes and starts a cluster of its own when the package comes; this box gets its own later.
install_postgres() {
  local no_cluster=/etc/postgresql-common/createcluster.d/hotspare.conf
  if [ ! -f "$no_cluster" ] && [ ! -x "$programs/postgres" ]; then
    install -d "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' >"$no_cluster.new"
    mv "$no_cluster.new" "$no_cluster"
  fi
  ensure_packages "postgresql-$POSTGRES_MAJOR"
}

# What logs in at other members before this box's own files are in place.
passfile=/run/hotspare-clone.pgpass
trap 'rm -f "$passfile"' EXIT
make_passfile() { install -m 600 -o postgres -g postgres "$payload/files$config/replication.pgpass" "$passfile"; }
member_at() { echo "host=$1 port=$POSTGRES_PORT user=hotspare_replication passfile=$passfile connect_timeout=3"; }
ask() { as_postgres psql -X -q -A -t -d "$(member_at "$1") replication=true" -c "$2"; }

# A first primary that lost its disk is not made from nothing while another member has the data. Prints NAME=ADDRESS.
member_with_data() {
  local other
  for other in ${PG_OTHERS:-}; do
    ask "${other#*=}" IDENTIFY_SYSTEM >/dev/null 2>&1 || continue
    echo "$other"
    return
  done
}

# It may still be in the making: boxes come up side by side.
wait_for_primary() {
  local deadline=$((SECONDS + 120)) said
  until said=$(ask "$PRIMARY_ADDRESS" IDENTIFY_SYSTEM 2>&1); do
    [ $SECONDS -lt $deadline ] ||
      fail "the primary $PRIMARY ($PRIMARY_ADDRESS) does not let this box in: $said. Is it up (vagrant up $PRIMARY)? If this box is new to it: vagrant provision $PRIMARY"
    sleep 0.5
  done
}

make_from_nothing() {
  say 'make a database'
  as_postgres "$programs/initdb" -D "$data.unfinished" -E UTF8 --locale=C.UTF-8 \
    --auth-local=peer --auth-host=scram-sha-256 --data-checksums >"$payload/initdb.log" 2>&1 ||
    fail "initdb failed: $(tail -n 3 "$payload/initdb.log")"
  # Only a database made anew takes the kept dump.
  touch "$stamps/restore-wanted"
}

# The history of the member at this address, as its keeper knows it: the WAL that proves it may be gone there, and a copy has none.
# Prints nothing where no agent tells.
history_of() {
  "$NODE" -e '
    fetch(`http://${process.argv[1]}/v1/services/pg/failover`, { signal: AbortSignal.timeout(5000) })
      .then((response) => response.json())
      .then(({ self }) => self?.history && console.log(JSON.stringify(self.history)))
      .catch(() => {});
  ' "$1:$AGENT_PORT"
}

# copy_of NAME ADDRESS [OPTION...]
copy_of() {
  local name=$1 address=$2 history=
  shift 2
  [ "$IS_MANAGED" != true ] || history=$(history_of "$address")
  say "clone $name"
  as_postgres "$programs/pg_basebackup" -d "$(member_at "$address")" -D "$data.unfinished" -X stream -c fast "$@" \
    >"$payload/clone.log" 2>&1 || fail "$name ($address) could not be cloned: $(tail -n 3 "$payload/clone.log")"
  as_postgres touch "$data.unfinished/standby.signal"
  # The keeper takes it from there (keeper/state/files.ts).
  [ -z "$history" ] || install -m 600 -o postgres -g postgres /dev/stdin "$data.unfinished/hotspare-history.json" <<<"$history"
  # Debian keeps a cluster's settings elsewhere, so the copy has none; pg_createcluster wants some to begin with.
  local file
  for file in postgresql pg_hba pg_ident; do
    [ -f "$data.unfinished/$file.conf" ] ||
      install -m 640 -o postgres -g postgres "/usr/share/postgresql/$POSTGRES_MAJOR/$file.conf.sample" "$data.unfinished/$file.conf"
  done
}

# The slot keeps what is written while the copy is made. One from an earlier life of this box may have lost what it kept,
# and may count as active until the primary has noticed that its reader is gone.
fresh_slot() {
  local deadline=$((SECONDS + 60))
  until
    ask "$PRIMARY_ADDRESS" "DROP_REPLICATION_SLOT $SLOT" >"$payload/clone.log" 2>&1 || true
    ask "$PRIMARY_ADDRESS" "CREATE_REPLICATION_SLOT $SLOT PHYSICAL" >"$payload/clone.log" 2>&1
  do
    [ $SECONDS -lt $deadline ] || fail "$PRIMARY makes no replication slot: $(cat "$payload/clone.log")"
    sleep 1
  done
}

# Where roles are managed: whoever is primary at this moment. Prints NAME=ADDRESS.
primary_there() {
  local other
  for other in ${PG_OTHERS:-}; do
    [ "$(as_postgres psql -X -q -A -t -d "$(member_at "${other#*=}") dbname=postgres" -c 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ] || continue
    echo "$other"
    return
  done
}

# Who has every acknowledged commit, as Consul knows it: a record there means that there was a database before. Prints yes, no or unknown.
is_recorded() {
  "$NODE" -e '
    const token = require("fs").readFileSync(process.argv[1], "utf8").trim();
    fetch("http://127.0.0.1:8500/v1/kv/hotspare/pg/record?consistent", {
      headers: { "X-Consul-Token": token },
      signal: AbortSignal.timeout(5000),
    }).then(
      ({ status }) => console.log(status === 200 ? "yes" : status === 404 ? "no" : "unknown"),
      () => console.log("unknown"),
    );
  ' "$payload/files/etc/hotspare/agent.token"
}

# The data of a managed member: a copy of whoever is primary. Only the first box of all makes a database, and none is promoted
# here: both are the agents' to decide once there is one.
make_managed_data() {
  local deadline=$((SECONDS + 120)) source
  until source=$(primary_there) && [ -n "$source" ]; do
    if [ "$IS_FIRST_PRIMARY" = true ] && [ -z "$(member_with_data)" ] && [ "$(is_recorded)" != yes ]; then
      make_from_nothing
      return
    fi
    [ $SECONDS -lt $deadline ] ||
      fail "no other member is primary, so there is nobody to clone. See \"hotspare status\" on one of them (${PG_OTHERS:-there are no others}); a member is promoted with \"hotspare promote\", then: vagrant provision $BOX"
    sleep 0.5
  done
  copy_of "${source%%=*}" "${source#*=}"
}

# A database is made beside and moved in at the end: what was begun and not finished is never taken for one.
make_data() {
  local other
  install -d -o postgres -g postgres "$(dirname "$data")"
  rm -rf "$data.unfinished"
  if [ "$IS_MANAGED" = true ]; then
    make_managed_data
  elif [ "$IS_FIRST_PRIMARY" != true ]; then
    wait_for_primary
    fresh_slot
    copy_of "$PRIMARY" "$PRIMARY_ADDRESS" -S "$SLOT"
  elif other=$(member_with_data) && [ -n "$other" ]; then
    copy_of "${other%%=*}" "${other#*=}"
    touch "$stamps/promotion-wanted"
  else
    make_from_nothing
  fi
  [ ! -d "$data" ] || rmdir "$data" || fail "$data is not empty and holds no database: look what it is"
  mv "$data.unfinished" "$data"
}

# Last, so that whom this member follows is what stands in the keeper's file.
include_keeper_settings() {
  local line="include '$KEEPER_SETTINGS'" file=$config/postgresql.conf
  ! grep -qxF "$line" "$file" || return 0
  install -m 644 -o postgres -g postgres "$file" "$file.new"
  printf '\n%s\n' "$line" >>"$file.new"
  sync "$file.new"
  mv -f "$file.new" "$file"
  say "$file includes $KEEPER_SETTINGS"
}

# A replica of another database than the primary's would show old data for ever.
check_same_system() {
  local theirs ours
  theirs=$(ask "$PRIMARY_ADDRESS" IDENTIFY_SYSTEM 2>/dev/null | cut -d '|' -f 1) || return 0
  ours=$(sql -c 'SELECT system_identifier FROM pg_control_system()')
  [ -z "$theirs" ] || [ "$theirs" = "$ours" ] ||
    fail "$BOX holds another database than its primary $PRIMARY. If $PRIMARY has what counts, put this one aside and clone: sudo systemctl stop postgresql && sudo mv $data $data.before, then vagrant provision $BOX"
}
