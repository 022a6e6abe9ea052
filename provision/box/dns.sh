# Names for machines that know nothing of Consul: dnsmasq on port 53; the agent keeps its list of balancers.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

ensure_packages dnsmasq
[ "$(stat -c '%U' /var/lib/hotspare/dns 2>/dev/null)" = hotspare ] ||
  install -d -m 755 -o hotspare -g hotspare /var/lib/hotspare/dns
place dns
dnsmasq --test 2>"$payload/dnsmasq.log" || fail "dnsmasq refuses its configuration: $(cat "$payload/dnsmasq.log")"
keep_running dns dnsmasq.service restart
