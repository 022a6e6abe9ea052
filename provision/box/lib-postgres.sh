# How a member's data come to be; sourced by postgres.sh.
# shellcheck shell=bash

cluster=$POSTGRES_MAJOR/main
data=/var/lib/postgresql/$cluster
config=/etc/postgresql/$cluster
programs=/usr/lib/postgresql/$POSTGRES_MAJOR/bin
as_postgres() { runuser -u postgres -- "$@"; }
sql() { as_postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${database:-postgres}" "$@"; }

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

# copy_of NAME ADDRESS [OPTION...]
copy_of() {
  local name=$1 address=$2
  shift 2
  say "clone $name"
  as_postgres "$programs/pg_basebackup" -d "$(member_at "$address")" -D "$data.unfinished" -X stream -c fast "$@" \
    >"$payload/clone.log" 2>&1 || fail "$name ($address) could not be cloned: $(tail -n 3 "$payload/clone.log")"
  as_postgres touch "$data.unfinished/standby.signal"
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

# A database is made beside and moved in at the end: what was begun and not finished is never taken for one.
make_data() {
  local other
  install -d -o postgres -g postgres "$(dirname "$data")"
  rm -rf "$data.unfinished"
  if [ "$IS_FIRST_PRIMARY" != true ]; then
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
