# What the concerns share; sourced, with the box's variables, by each of them.
# shellcheck shell=bash
set -euo pipefail

payload=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC1091
. "$payload/box.env"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# What was last brought into effect, one file a concern.
stamps=/var/lib/hotspare-provision

say() { printf '  %s\n' "$*"; }

fail() {
  printf 'hotspare: %s: %s\n' "$BOX" "$*" >&2
  exit 1
}

# ensure_packages NAME...: installs those that are missing.
ensure_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "install ${missing[*]}"
  refresh_lists_once
  apt-get install -y -q --no-install-recommends "${missing[@]}" >"$payload/apt.log" 2>&1 ||
    fail "could not install ${missing[*]}; a box without a way out must have them built in. apt-get said: $(tail -n 3 "$payload/apt.log")"
}

refresh_lists_once() {
  [ ! -e "$payload/lists-are-fresh" ] || return 0
  apt-get update -q >"$payload/apt.log" 2>&1 || say "apt-get update failed: $(tail -n 1 "$payload/apt.log")"
  touch "$payload/lists-are-fresh"
}

# place CONCERN: puts the files of a concern where they belong, each whole or not at all; says which were not right.
place() {
  local concern mode owner group path initial
  while IFS=$'\t' read -r concern mode owner group path initial; do
    [ "$concern" = "$1" ] || continue
    is_right "$path" "${mode#0}" "$owner" "$group" "$initial" && continue
    mkdir -p "$(dirname "$path")"
    install -m "$mode" -o "$owner" -g "$group" "$payload/files$path" "$path.new"
    # Else a power cut may leave the name without the content.
    sync "$path.new"
    mv -f "$path.new" "$path"
    say "+ $path"
  done <"$payload/manifest"
}

is_right() {
  local path=$1 mode=$2 owner=$3 group=$4 initial=$5
  # One of no bytes is what a power cut may have left.
  [ -s "$path" ] || return 1
  [ "$initial" != initial ] || return 0
  [ "$(stat -c '%a %U %G' "$path")" = "$mode $owner $group" ] && cmp -s "$payload/files$path" "$path"
}

# digest_of CONCERN [TEXT...]: of everything its program reads at its start.
digest_of() {
  local concern=$1 line_concern path rest
  shift
  {
    printf '%s\n' "$@"
    while IFS=$'\t' read -r line_concern _ _ _ path rest; do
      [ "$line_concern" = "$concern" ] && [ "$rest" != initial ] || continue
      printf '%s\n' "$path"
      cat "$path"
    done <"$payload/manifest"
  } | sha256sum | cut -d ' ' -f 1
}

# needs_effect CONCERN DIGEST: whether that is not yet in effect. The stamp is written after the effect, so a run that
# was cut off between the two is made good by the next.
needs_effect() { [ "$(cat "$stamps/$1" 2>/dev/null)" != "$2" ]; }
has_effect() { ! needs_effect "$1" "$2" || printf '%s\n' "$2" >"$stamps/$1"; }

# keep_running CONCERN UNIT restart|reload [TEXT...]: enabled and running with what was placed and with what TEXT stands
# for; touched only when one of these changed.
keep_running() {
  local concern=$1 unit=$2 verb=$3 digest
  shift 3
  digest=$(digest_of "$concern" "$@")
  [ "$(systemctl show -p NeedDaemonReload --value "$unit")" = no ] || systemctl daemon-reload
  systemctl is-enabled -q "$unit" 2>/dev/null || systemctl enable -q "$unit" 2>"$payload/enable.log" || fail "$(cat "$payload/enable.log")"
  if ! systemctl is-active -q "$unit"; then
    say "start $unit"
    systemctl reset-failed "$unit" 2>/dev/null || true
    systemctl start "$unit" || last_words "$unit"
  elif needs_effect "$concern" "$digest"; then
    say "$verb $unit"
    systemctl "$verb" "$unit" || last_words "$unit"
  fi
  has_effect "$concern" "$digest"
}

last_words() {
  fail "$1 does not start: $(journalctl -u "$1" -n 8 -o cat --no-pager 2>/dev/null || true)"
}

# version_at_least LOWEST VERSION
version_at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
