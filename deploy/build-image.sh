#!/usr/bin/env bash
# Build the image without a daemon: buildah, every step in a chroot, so that it also works inside a container, as root.
#
#   deploy/build-image.sh                                    # localhost/onemaster:full
#   VARIANT=slim deploy/build-image.sh                       # localhost/onemaster:slim, without torch
#   BASE=base.tar VARIANT=slim deploy/build-image.sh         # where no registry can be reached
#   VARIANT=slim EXTRAS=s3,kuberay TAG=onemaster:ray deploy/build-image.sh
#
# BASE is an image, or a tar of a root file system of Debian with Python 3.11 or 3.12 and its venv module (docs/deploy.md
# says how to make one). TORCH_INDEX is as in the Makefile. Further arguments go to `buildah build`. Afterwards the size is
# checked, and the image is run: deploy/check-image.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VARIANT=${VARIANT:-full}
TAG=${TAG:-onemaster:$VARIANT}
BASE=${BASE:-python:3.11-slim}

command -v buildah >/dev/null || { echo "expected buildah, found none: apt-get install buildah" >&2; exit 1; }

if [[ -f $BASE ]]; then
    base_container=$(buildah from scratch)
    trap 'buildah rm "$base_container" >/dev/null' EXIT
    buildah add --quiet "$base_container" "$BASE" / >/dev/null
    BASE=localhost/onemaster-base
    buildah commit --quiet "$base_container" "$BASE" >/dev/null
fi

# The format docker keeps the HEALTHCHECK, which that of the OCI does not know.
buildah build --isolation chroot --format docker --build-arg "BASE=$BASE" --build-arg "VARIANT=$VARIANT" \
    --build-arg "EXTRAS=${EXTRAS:-}" --build-arg "TORCH_INDEX=${TORCH_INDEX:-}" --tag "$TAG" "$@" .
exec deploy/check-image.sh "$TAG"
