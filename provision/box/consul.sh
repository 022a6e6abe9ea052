# Consul: from HashiCorp's packages where the network has them, else what the box brings.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

if ! command -v consul >/dev/null; then
  source=/etc/apt/sources.list.d/hashicorp.list
  keyring=/usr/share/keyrings/hashicorp.gpg
  archive=https://apt.releases.hashicorp.com
  ensure_packages ca-certificates curl gnupg
  curl -fsS --connect-timeout 10 --max-time 60 "$archive/gpg" | gpg --dearmor --yes -o "$keyring" ||
    fail "this box has no Consul, and $archive cannot be reached: use a box that brings it"
  . /etc/os-release
  echo "deb [signed-by=$keyring] $archive $VERSION_CODENAME main" >"$source"
  rm -f "$payload/lists-are-fresh"
  ensure_packages consul
fi
say "$(consul version | head -n 1)"

[ "$(stat -c '%a %U' /var/lib/consul 2>/dev/null)" = '700 consul' ] ||
  install -d -m 700 -o consul -g consul /var/lib/consul
place consul
consul validate -config-format=json /etc/hotspare/consul.json >"$payload/consul.log" 2>&1 || fail "$(tail -n 5 "$payload/consul.log")"
keep_running consul consul.service restart
