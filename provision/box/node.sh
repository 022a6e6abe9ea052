# Node.js for hotspare and the sample app, apart from whatever Node the box has of its own.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

version() { "$NODE" --version 2>/dev/null | tr -d v; }

if ! version_at_least "$NODE_MINIMUM" "$(version || true)" || [ -z "$(version || true)" ]; then
  [ -f "$payload/node.tgz" ] || fail "Node.js $NODE_MINIMUM or newer is needed in $NODE, and none was sent along"
  rm -rf "$NODE_FOLDER.new"
  mkdir -p "$NODE_FOLDER.new"
  # An npm package: everything lies under package/.
  tar -xzf "$payload/node.tgz" -C "$NODE_FOLDER.new" --strip-components=1 --no-same-owner package/bin/node
  sync -f "$NODE_FOLDER.new"
  rm -rf "$NODE_FOLDER"
  mv "$NODE_FOLDER.new" "$NODE_FOLDER"
  say "+ $NODE"
fi
say "Node.js $(version)"
