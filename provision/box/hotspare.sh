# The hotspare package: one folder a build, PACKAGE_FOLDER points to the present one.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

release=$RELEASES_FOLDER/$HOTSPARE_DIGEST
if [ ! -d "$release" ]; then
  [ -f "$payload/hotspare.tgz" ] || fail "the package $HOTSPARE_DIGEST was not sent along"
  rm -rf "$release.new"
  mkdir -p "$release.new"
  tar -xzf "$payload/hotspare.tgz" -C "$release.new" --no-same-owner
  # It is never looked into again, so it must be whole on the disk.
  sync -f "$release.new"
  mv "$release.new" "$release"
  say "+ $release"
fi
if [ "$(readlink "$PACKAGE_FOLDER" || true)" != "$release" ]; then
  before=$(readlink "$PACKAGE_FOLDER" || true)
  ln -sfn "$release" "$PACKAGE_FOLDER.new"
  mv -fT "$PACKAGE_FOLDER.new" "$PACKAGE_FOLDER"
  # Programs still running from the one before are restarted later in this run: it goes at the next change.
  find "$RELEASES_FOLDER" -mindepth 1 -maxdepth 1 ! -path "$release" ! -path "${before:-none}" -exec rm -rf {} +
fi

wrapper=$(printf '#!/bin/sh\nexec %s %s/bin/hotspare.mjs "$@"' "$NODE" "$PACKAGE_FOLDER")
if [ "$(cat /usr/local/bin/hotspare 2>/dev/null)" != "$wrapper" ]; then
  printf '%s\n' "$wrapper" >/usr/local/bin/hotspare.new
  chmod 755 /usr/local/bin/hotspare.new
  sync /usr/local/bin/hotspare.new
  mv -f /usr/local/bin/hotspare.new /usr/local/bin/hotspare
  say '+ /usr/local/bin/hotspare'
fi
say "hotspare $(hotspare --version)"
