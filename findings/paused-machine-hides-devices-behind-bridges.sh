#!/bin/bash
# A q35 machine is started paused (-S), as libvirt does it, with one virtio device on the root bus and one behind a root
# port. `query-pci` and `info pci` list the PCI devices of a machine, and one would expect both. They list only the one
# on the root bus: a bridge has no bus numbers before the firmware has run, and QEMU follows the numbers, not its own
# tree. `info qtree` lists both. A program that reads addresses at the start has to use the latter, or wait for the
# firmware. Seen with QEMU 7.2 (Debian 12). Needs root for apt; no guest runs. 2026-11.
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
mkdir -p "$T/bookworm/proc" "$T/bookworm/dev"
for d in lib lib64; do [ -e "$T/bookworm/$d" ] || ln -s "usr/$d" "$T/bookworm/$d"; done
listed() { # MONITOR-COMMAND: how many virtio-rng devices of the paused machine it lists
  printf '%s\nquit\n' "$1" | chroot "$T/bookworm" /usr/bin/qemu-system-x86_64 -M q35 -nodefaults -S -display none \
    -device pcie-root-port,id=rp1,bus=pcie.0,addr=2 -device virtio-rng-pci,bus=rp1 \
    -device virtio-rng-pci,bus=pcie.0,addr=3 -monitor stdio | tr -d '\r' | grep -cE '(PCI device|pci id) 1af4:(1005|1044)' || true
}
pci=$(listed 'info pci') tree=$(listed 'info qtree')
echo "virtio devices listed by info pci and by info qtree:"
echo "expected: 2 and 2"; echo "seen:     $pci and $tree"
[ "$pci $tree" = "1 2" ] || { echo "no longer as recorded: 1 and 2"; exit 1; }
