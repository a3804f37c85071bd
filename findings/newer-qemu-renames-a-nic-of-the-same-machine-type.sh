#!/bin/bash
# A NIC on the root bus of a pc-q35-7.2 machine has acpi-index=9 (<acpi index='9'/> of libvirt). A machine type with a version
# keeps what a guest sees across releases of QEMU, so one would expect the guest to call the NIC the same after the host's
# upgrade. QEMU 7.2 takes the index and does not show it to the guest, which calls the NIC enp0s5. QEMU 10.0 shows it, also
# on pc-q35-7.2, and the same guest calls the NIC eno9. A NIC behind a root port, with acpi-index=4, is eno4 with both.
# Seen with QEMU 7.2 (Debian 12) and 10.0 (Debian 13), guest Debian 13. Needs root for apt; it takes some minutes. 2026-11.
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
  for d in bin lib lib64; do [ -e "$T/$s/$d" ] || ln -s "usr/$d" "$T/$s/$d"; done
  mkdir -p "$T/$s/proc" "$T/$s/dev" "$T/$s/tmp"
}
K=6.12.117+deb13-amd64 Q=1:7.2+dfsg-7+deb12u18
get bookworm qemu-system-{x86,common}=$Q+b3 qemu-system-data=$Q seabios=1.16.2-1
get trixie qemu-system-{x86,common}=1:10.0.13+ds-0+deb13u1 qemu-system-data=1:10.0.13+ds-0+deb13u1 seabios=1.16.3-2 \
  udev=257.13-1~deb13u1 linux-image-$K=6.12.117-1 busybox-static=1:1.37.0-6+b9
ramdisk() { # FILE SUITE [MODULE-FILE...]: a RAM disk with busybox, the suite's udev with all its rules, and standard input run by /init
  local o=$1 r=$T/$2 g=$1.d f n=10; shift 2; mkdir -p "$g"/usr/{bin,lib/udev,lib/systemd,lib64} "$g"/{proc,sys,dev,run,modules}
  ln -s usr/bin usr/lib usr/lib64 "$g"; cp "$r/bin/busybox" "$r/bin/udevadm" "$g/bin"; ln -s udevadm "$g/bin/systemd-udevd"
  for f in $(chroot "$r" /lib64/ld-linux-x86-64.so.2 --list /bin/udevadm | grep -o '/[^ ]*'); do mkdir -p "$g${f%/*}"; cp -L "$r$f" "$g$f"; done
  cp -r "$r/lib/udev/rules.d" "$g/lib/udev"; cp -r "$r/lib/systemd/network" "$g/lib/systemd"
  for f; do n=$((n + 1)); "$r/bin/busybox" unxz -c "$f" >"$g/modules/$n.ko"; done
  { printf '%s\n' '#!/bin/busybox sh' '/bin/busybox --install -s /bin' 'mount -t proc p /proc; mount -t sysfs s /sys' \
      'mount -t devtmpfs d /dev; mount -t tmpfs r /run; mkdir /run/udev; systemd-udevd --daemon 2>/dev/null' \
      'for m in /modules/*; do [ ! -f $m ] || insmod $m; done; udevadm trigger --action=add; udevadm settle; sleep 1'; cat; echo 'poweroff -f'; } >"$g/init"
  chmod +x "$g/init"; (cd "$g" && find . | "$r/bin/busybox" cpio -o -H newc) >"$o" 2>/dev/null
}
M=$T/trixie/lib/modules/$K/kernel
ramdisk "$T/initrd" trixie "$M"/net/core/failover.ko.xz "$M"/drivers/net/{net_failover,virtio_net}.ko.xz <<'X'
echo "SEEN $(cd /sys/class/net && ls -d e* | sort -r | tr '\n' ' ')END"
X
names() { # SUITE: the names of the two NICs in the same guest, run by the suite's QEMU
  cp "$T/initrd" "$T/trixie/boot/vmlinuz-$K" "$T/$1/tmp"
  timeout 900 chroot "$T/$1" /usr/bin/qemu-system-x86_64 -M pc-q35-7.2 -m 512 -nodefaults -display none -serial stdio -no-reboot \
    -kernel "/tmp/vmlinuz-$K" -initrd /tmp/initrd -append "console=ttyS0 panic=-1 quiet" -device pcie-root-port,id=r,chassis=1,addr=2 \
    -netdev user,id=m -device virtio-net-pci,netdev=m,bus=pcie.0,addr=5,acpi-index=9,romfile= \
    -netdev user,id=n -device virtio-net-pci,netdev=n,bus=r,acpi-index=4,romfile= </dev/null >"$T/console" 2>&1 || true
  grep -ao 'SEEN .*END' "$T/console" | sed 's/SEEN //; s/ *END//' || { cat "$T/console" >&2; exit 2; }
}
old=$(names bookworm)
new=$(names trixie)
s="$old, $new"
echo "names of two NICs of a pc-q35-7.2 machine with acpi-index 9 and 4, with QEMU 7.2 and with QEMU 10.0:"
echo "expected: eno9 eno4, eno9 eno4"; echo "seen:     $s"
[ "$s" = "enp0s5 eno4, eno9 eno4" ] || { echo "no longer as recorded: enp0s5 eno4, eno9 eno4"; exit 1; }
