# Node.js for hotspare and the sample app, apart from whatever Node the box has of its own.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

node=/opt/hotspare-node/bin/node
version() { "$node" --version 2>/dev/null | tr -d v; }

if ! version_at_least "$NODE_MINIMUM" "$(version || true)" || [ -z "$(version || true)" ]; then
  [ -f "$payload/node.tgz" ] || fail "Node.js $NODE_MINIMUM or newer is needed in $node, and none was sent along"
  rm -rf /opt/hotspare-node.new
  mkdir -p /opt/hotspare-node.new
  # An npm package: everything lies under package/.
  tar -xzf "$payload/node.tgz" -C /opt/hotspare-node.new --strip-components=1 --no-same-owner package/bin/node
  sync -f /opt/hotspare-node.new
  rm -rf /opt/hotspare-node
  mv /opt/hotspare-node.new /opt/hotspare-node
  say "+ $node"
fi
say "Node.js $(version)"
