#!/usr/bin/env bash
# Brings up an engine for the container backend on a bare Debian machine, as root, with nothing but apt: podman on runc,
# and an image made from Debian's own packages instead of a registry's.
#   install_engine.sh PREFIX     then: . PREFIX/env
# Everything it makes stands below PREFIX. An image that is there already is kept.
set -euo pipefail
prefix=$(mkdir -p "$1" && cd "$1" && pwd -P)
image=copydesk-test:1

missing=()
for need in podman:podman runc:runc conmon:conmon debootstrap:debootstrap; do
  command -v "${need%%:*}" > /dev/null || missing+=("${need##*:}")
done
if ((${#missing[@]})); then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" > /dev/null
fi
real=$(PATH=${PATH//$prefix\/bin:/} command -v podman)

# crun of Debian 12 refuses a machine with both kinds of cgroups, so runc; and who may not raise limits must name them.
mkdir -p "$prefix/bin"
cat > "$prefix/containers.conf" << END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
cat > "$prefix/bin/podman" << END
#!/bin/sh
export CONTAINERS_CONF="$prefix/containers.conf"
exec $real --root "$prefix/storage" --runroot "$prefix/run" "\$@"
END
chmod +x "$prefix/bin/podman"

if ! "$prefix/bin/podman" image exists "$image"; then
  echo "Making the image $image (a minute) …"
  root=$(mktemp -d "$prefix/root.XXXXXX")
  debootstrap --variant=minbase --include=python3 "$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")" "$root" > "$prefix/debootstrap.log" 2>&1 ||
    { tail -n 5 "$prefix/debootstrap.log" >&2; exit 1; }
  rm -rf "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/usr/share/doc" "$root/usr/share/locale"
  tar -C "$root" -c . | "$prefix/bin/podman" import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' - "$image" > /dev/null
  rm -rf "$root"
fi
"$prefix/bin/podman" run --rm --network none "$image" true

cat > "$prefix/env" << END
export PATH="$prefix/bin:\$PATH"
export COPYDESK_TEST_IMAGE=$image
END
echo "The container engine is ready: . $prefix/env"
