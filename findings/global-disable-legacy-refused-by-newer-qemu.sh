#!/bin/bash
# `-global virtio-pci.disable-legacy=on` makes every virtio device of a machine modern. One would expect it to work, or to
# be refused, independently of devices that the machine does not have. QEMU 10.0 refuses it on every PC, even with
# -nodefaults and without a virtio device: it tries the global on each NIC type that it knows, and the types
# virtio-net-pci-transitional and -non-transitional lack the property. QEMU 7.2 does so only if the machine has a NIC.
# Seen with QEMU 7.2 and 10.0 (Debian 12 and 13), and 11.1. Needs root for apt; no guest runs. 2026-11.
set -euo pipefail
export LC_ALL=C
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
get() { # SUITE PACKAGE=VERSION...: with all they need, from the mirror apt is set up for, unpacked in $T/SUITE
  local s=$1 a=$T/apt-$1 d m; shift; mkdir -p "$a/lists/partial" "$a/cache/archives/partial" "$T/$s"; : >"$a/status"
  m=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | awk '/\/debian\/$/ && !n++')
  echo "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $m $s main" >"$a/list"
  cat >"$a/conf" <<X
Dir::Etc { sourcelist "$a/list"; sourceparts "/dev/null"; preferencesparts "/dev/null"; };
Dir::State { lists "$a/lists"; status "$a/status"; }; Dir::Cache "$a/cache"; APT::Sandbox::User "root";
X
  APT_CONFIG=$a/conf apt-get -qq update
  APT_CONFIG=$a/conf apt-get -qq install --download-only --no-install-recommends "$@"
  for d in "$a"/cache/archives/*.deb; do dpkg -x "$d" "$T/$s"; rm "$d"; done
}
Q=1:7.2+dfsg-7+deb12u18 N=1:10.0.13+ds-0+deb13u1
get bookworm qemu-system-{x86,common}=$Q+b3 qemu-system-data=$Q seabios=1.16.2-1
get trixie qemu-system-{x86,common}=$N qemu-system-data=$N seabios=1.16.3-2
starts() { # SUITE OPTION...: whether QEMU starts paused
  local s=$1 d; shift; mkdir -p "$T/$s/proc" "$T/$s/dev"
  for d in lib lib64; do [ -e "$T/$s/$d" ] || ln -s "usr/$d" "$T/$s/$d"; done
  if echo quit | chroot "$T/$s" /usr/bin/qemu-system-x86_64 -M q35 -display none -S -monitor stdio \
    -global virtio-pci.disable-legacy=on "$@" >"$T/out" 2>&1; then echo starts
  elif grep "can't apply global virtio-pci.disable-legacy=on" "$T/out" >&2; then echo refused
  else cat "$T/out" >&2; echo failed; fi
}
s="7.2 without a NIC $(starts bookworm -nodefaults), with its default NIC $(starts bookworm), 10.0 without a NIC $(starts trixie -nodefaults)"
k="7.2 without a NIC starts, with its default NIC refused, 10.0 without a NIC refused"
echo "-global virtio-pci.disable-legacy=on:"; echo "expected: starts each time, or refused each time"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
