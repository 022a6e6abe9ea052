# The load balancer. Which web apps there are is kept by the agent.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

ensure_packages nginx
[ "$(stat -c '%U' /var/lib/hotspare/nginx 2>/dev/null)" = hotspare ] ||
  install -d -m 755 -o hotspare -g hotspare /var/lib/hotspare/nginx
place nginx
nginx -t -q 2>"$payload/nginx.log" || fail "nginx refuses its configuration: $(cat "$payload/nginx.log")"
keep_running nginx nginx.service reload
