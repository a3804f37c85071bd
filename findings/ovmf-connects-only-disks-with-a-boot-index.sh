#!/bin/bash
# A q35 machine with OVMF has two disks, and only the first one has a boot index, as libvirt gives it. OVMF starts what is
# on the first disk. One would expect it to find the second disk as well, because a boot loader may have to read it (/boot
# on LVM or RAID). OVMF connects only the devices that have an index: the second disk has no block device in UEFI, so a
# boot loader cannot read it. Here the EFI shell lists the block devices. Seen with OVMF 2022.11 and QEMU 7.2 (Debian 12).
# Needs root; no guest code runs. 2026-11.
set -euo pipefail
export LC_ALL=C
T=$(mktemp -d); R=$T/root
trap 'rm -rf "$T"' EXIT
get() { # PACKAGE=VERSION...: with all they need, from the mirror apt is set up for, unpacked in $R
  local a=$T/apt d m; mkdir -p "$a/lists/partial" "$a/cache/archives/partial" "$R"; : >"$a/status"
  m=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | awk '/\/debian\/$/ && !n++')
  echo "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $m bookworm main" >"$a/list"
  cat >"$a/conf" <<X
Dir::Etc { sourcelist "$a/list"; sourceparts "/dev/null"; preferencesparts "/dev/null"; };
Dir::State { lists "$a/lists"; status "$a/status"; }; Dir::Cache "$a/cache"; APT::Sandbox::User "root";
X
  APT_CONFIG=$a/conf apt-get -qq update
  APT_CONFIG=$a/conf apt-get -qq install --download-only --no-install-recommends "$@"
  for d in "$a"/cache/archives/*.deb; do dpkg -x "$d" "$R"; rm "$d"; done
}
Q=1:7.2+dfsg-7+deb12u18
get qemu-system-{x86,common}=$Q+b3 qemu-system-data=$Q seabios=1.16.2-1 ovmf=2022.11-6+deb12u2 || exit 2
truncate -s 1M "$R/one" "$R/two"
disks() { # the block devices that the EFI shell lists, with these options for the second disk
  cp "$R/usr/share/OVMF/OVMF_VARS.fd" "$R/vars"
  timeout 120 chroot "$R" /usr/bin/qemu-system-x86_64 -machine q35 -accel tcg -m 256 -nodefaults -display none -serial stdio \
    -boot strict=on -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd -drive if=pflash,format=raw,file=/vars \
    -drive if=none,id=one,file=/one,format=raw -device virtio-blk-pci,drive=one,addr=2,bootindex=1 \
    -drive if=none,id=two,file=/two,format=raw -device "virtio-blk-pci,drive=two,addr=3$1" </dev/null 2>&1 | tr -d '\0' | grep -ao 'BLK[0-9]' | sort -u | wc -l
}
both=$(disks ,bootindex=2 || true); one=$(disks "" || true)
echo "block devices with an index for both disks: $both; with an index for the first disk only:"
echo "expected: 2"; echo "seen:     $one"
[ "$both $one" = "2 1" ] || { echo "no longer as recorded: 2 and 1"; exit 1; }
