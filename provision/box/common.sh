# What every box has: accounts, folders, the firewall, the rule that lets the agent drive its units.
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

system_account() {
  id -u "$1" >/dev/null 2>&1 || {
    say "account $1"
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
  }
}
for account in $ACCOUNTS; do system_account "$account"; done

folder() { # PATH MODE ACCOUNT
  [ "$(stat -c '%a %U' "$1" 2>/dev/null)" = "$2 $3" ] || install -d -m "$2" -o "$3" -g "$3" "$1"
}
folder /etc/hotspare 755 root
folder /var/lib/hotspare 755 hotspare

ensure_packages nftables polkitd
place common

# The rules replace each other whole, in one transaction; what is connected stays connected.
digest=$(digest_of common)
if needs_effect common "$digest" || ! systemctl is-active -q nftables.service; then
  nft -c -f /etc/nftables.conf || fail 'the firewall rules were refused; nothing was changed'
  systemctl enable -q nftables.service 2>/dev/null
  say 'load the firewall rules'
  # A restart would take all rules away in between.
  if systemctl is-active -q nftables.service; then verb=reload; else verb=start; fi
  systemctl "$verb" nftables.service || last_words nftables.service
fi
has_effect common "$digest"
