#!/bin/bash
# An arm64 machine has a virtio-blk disk and a disk at a virtio-scsi controller. U-Boot for QEMU drives virtio and has a
# command `scsi scan`, so one would expect it to find both. It lists the first one only: it has no driver for virtio-scsi,
# although `pci` shows the controller, and `scsi scan` ends without a word. A system on such a disk does not start.
# Seen with U-Boot 2023.01 and QEMU 7.2 (Debian 12). Needs root for apt; it takes about a minute. 2026-11.
set -euo pipefail
export LC_ALL=C
T=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$T"' EXIT
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
Q=1:7.2+dfsg-7+deb12u18
get bookworm qemu-system-arm=$Q+b3 qemu-system-common=$Q+b3 qemu-system-data=$Q u-boot-qemu=2023.01+dfsg-2+deb12u3
R=$T/bookworm
mkdir -p "$R/proc" "$R/dev" "$R/tmp"; truncate -s 1M "$R/tmp/blk.img" "$R/tmp/scsi.img"; mkfifo "$T/keys"
for d in lib lib64; do [ -e "$R/$d" ] || ln -s "usr/$d" "$R/$d"; done
timeout 300 chroot "$R" /usr/bin/qemu-system-aarch64 -M virt -cpu cortex-a57 -m 256 -nodefaults -display none -serial stdio \
  -bios /usr/lib/u-boot/qemu_arm64/u-boot.bin \
  -blockdev raw,node-name=b,file.driver=file,file.filename=/tmp/blk.img -device virtio-blk-pci,drive=b \
  -blockdev raw,node-name=s,file.driver=file,file.filename=/tmp/scsi.img -device virtio-scsi-pci,id=hba \
  -device scsi-hd,bus=hba.0,drive=s <"$T/keys" >"$T/console" 2>&1 &
exec 3>"$T/keys"
until grep -q '^=> ' "$T/console"; do sleep 1; echo >&3; kill -0 %1 || { cat "$T/console"; exit 2; }; done
for line in 'virtio info' 'scsi scan' 'scsi info' pci 'echo the-end'; do echo "$line" >&3; sleep 1; done
until grep -q '^the-end' "$T/console"; do sleep 1; kill -0 %1 || { cat "$T/console"; exit 2; }; done
tr -d '\r' <"$T/console" | sed -n '/^=> virtio info/,$p' >"$T/asked"
count() { grep -cE "$1" "$T/asked" || true; }
found="$(count 'VirtIO Block Device') and $(count 'QEMU HARDDISK|Vendor: QEMU')"; shown=$(count '0x1af4 +0x1004')
echo "disks that U-Boot finds at virtio-blk and at virtio-scsi (controllers that it shows: $shown):"
echo "expected: 1 and 1"; echo "seen:     $found"
[ "$found $shown" = "1 and 0 1" ] || { cat "$T/asked"; echo "no longer as recorded: 1 and 0"; exit 1; }
