#!/bin/bash
# Build the root file system that every host of the test pool starts from.
# Needs: root, a Debian mirror, debootstrap (apt-get install -y debootstrap; it comes
# with debian-archive-keyring, which knows trixie).  Nothing of the host's apt is touched.
# Cold: about 50 s and 520 MB.  Does nothing when the folder is already complete.
set -euo pipefail
ROOT=${1:?the folder to build in}
SUITE=${SUITE:-trixie}                       # trixie: HTCondor 23.9.6; sid: 25.x
# the mirror this machine's own packages come from, where that is a Debian one
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
  'Component: main' 2>/dev/null | grep -v -- -security | head -1)}
[ -n "$MIRROR" ] || { echo "name a Debian mirror: MIRROR=... $0" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }
PKGS=${PKGS:-"condor openssh-server openssh-client python3 procps iproute2 iputils-ping \
 less nano git rsync tmux file bash-completion curl strace psmisc sudo"}
STAMP="$ROOT/.complete"
WANT="$SUITE $MIRROR $PKGS"
if [ -e "$STAMP" ] && [ "$(cat "$STAMP")" = "$WANT" ]; then echo "rootfs ready: $ROOT"; exit 0; fi
if [ -e "$ROOT" ]; then                     # half-built: start afresh (never while mounted)
  if grep -q " $ROOT" /proc/mounts; then echo "$ROOT is in use" >&2; exit 1; fi
  rm -rf --one-file-system "$ROOT"
fi
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# bookworm's debootstrap has no script for suites younger than itself; all Debian suites
# share one script, so give it by name.
debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$ROOT" "$MIRROR" \
  /usr/share/debootstrap/scripts/sid
printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d"; chmod 755 "$ROOT/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
unshare --mount --pid --fork bash -c '
  set -e; R=$0; shift 0
  mount --make-rprivate /
  mount -t proc proc "$R/proc"
  chroot "$R" apt-get update -qq ${APT_OPTS:-}
  chroot "$R" apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
  chroot "$R" apt-get clean
' "$ROOT" $PKGS
rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/etc/ssh/ssh_host_*    # host keys are made per host
printf '%s' "$WANT" > "$STAMP"
chroot "$ROOT" condor_version | head -1; du -sh "$ROOT"
