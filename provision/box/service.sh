# A program that needs no more than its packages, its files and its unit.
#   service.sh STEP
# shellcheck shell=bash source=provision/box/lib.sh
. "$(dirname "$0")/lib.sh"

step=$1
unit=
while IFS=$'\t' read -r name of_step verb whose packages; do
  [ "$name" = "$step" ] && unit=$of_step && break
done <"$payload/plain-steps"
[ -n "$unit" ] || fail "nothing says how $step is provisioned: neither $step.sh nor plain-steps"

# shellcheck disable=SC2086
[ -z "$packages" ] || ensure_packages $packages
place "$step"
if [ "$whose" = ours ]; then
  keep_running "$step" "$unit" "$verb" "$HOTSPARE_DIGEST" "$("$NODE" --version)"
else
  keep_running "$step" "$unit" "$verb"
fi
