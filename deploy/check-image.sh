#!/usr/bin/env bash
# Run an image that buildah knows as it is meant to be run: deploy/check-image.sh IMAGE
#
# What has to be true: it is at most LIMIT_MB (2000) large, names a user that is not root, has a bill of materials that lists
# what is installed, and its own command serves the sample with a read-only root file system, without capabilities and
# without a network. Wants root, util-linux and iproute2.
set -euo pipefail

IMAGE=${1:?expected the name of an image as buildah images lists it}
LIMIT_MB=${LIMIT_MB:-2000}

fail() { echo "$IMAGE: $1" >&2; exit 1; }
config() { buildah inspect --type image --format "$1" "$IMAGE"; }

container=$(buildah from --pull-never "$IMAGE")
trap 'buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")

megabytes=$(du --summarize --apparent-size --block-size=1MB "$root" | cut --fields=1)
((megabytes <= LIMIT_MB)) || fail "expected at most $LIMIT_MB MB, got $megabytes"
user=$(config '{{.OCIv1.Config.User}}')
[[ $user =~ ^[1-9][0-9]*$ ]] || fail "expected a user by number that is not root, got '$user'"
mapfile -t environment < <(config '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' | sed '/^$/d')
mapfile -t words < <(config '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}{{range .OCIv1.Config.Cmd}}{{println .}}{{end}}' | sed '/^$/d')
folder=$(config '{{.OCIv1.Config.WorkingDir}}')

inside() { # run in the image what follows, as its user
    setpriv --no-new-privs chroot --userspec="$user:$user" --groups="$user" "$root" \
        /usr/bin/env --ignore-environment --chdir="$folder" "${environment[@]}" "$@"
}

look() {
    ip link set lo up
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    inside "${words[@]}" </dev/null >"$root/tmp/served.log" 2>&1 &
    inside python - || { tail --lines=20 "$root/tmp/served.log" >&2; return 1; }
}

export -f look inside
export user root folder
# What is in arrays cannot be exported.
unshare --mount --net --pid --fork --kill-child bash -euo pipefail -c "$(declare -p environment words); look" \
    <"$(dirname "${BASH_SOURCE[0]}")/check_inside.py" || fail "it does not serve as it should: see above"
echo "$IMAGE: $megabytes MB, serves read-only as user $user"
