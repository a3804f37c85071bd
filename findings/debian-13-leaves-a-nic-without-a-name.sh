#!/bin/bash
# A pc machine has a virtio NIC in slot 3 of its root bus and one in slot 3 of a pci-bridge. Debian 12 calls them ens3 and
# enp1s3. One would expect two predictable names of Debian 13, too. Its udev takes the number of each slot from ACPI and asks
# for ens3 twice. The NIC that comes second does not get enp1s3, which is free: it keeps the kernel's name (eth0 or eth1), so
# a configuration for enp1s3 does not apply any more. net.naming-scheme=v252 on the kernel's command line brings the two
# names back. Seen with udev 252 (Debian 12) and 257 (Debian 13), both on Linux 6.12 (Debian 13) and QEMU 10.0. Needs root
# for apt; it takes some minutes. 2026-11.
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
K=6.12.117+deb13-amd64
get bookworm udev=252.39-1~deb12u2 busybox-static=1:1.35.0-4+deb12u1+b1
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
names() { # SUITE [OPTION]: the names of the two NICs, given by the suite's udev
  ramdisk "$T/trixie/tmp/initrd" "$1" "$M"/net/core/failover.ko.xz "$M"/drivers/net/{net_failover,virtio_net}.ko.xz <<'X'
echo "SEEN $(cd /sys/class/net && ls -d e* | sed 's/^eth.*/ethN/' | sort -r | tr '\n' ' ')END"
X
  rm -r "$T/trixie/tmp/initrd.d"
  timeout 900 chroot "$T/trixie" /usr/bin/qemu-system-x86_64 -M pc -m 512 -nodefaults -display none -serial stdio -no-reboot \
    -kernel "/boot/vmlinuz-$K" -initrd /tmp/initrd -append "console=ttyS0 panic=-1 quiet ${2-}" -device pci-bridge,id=b,chassis_nr=1,addr=5 \
    -netdev user,id=m -device virtio-net-pci,netdev=m,addr=3,romfile= -netdev user,id=n -device virtio-net-pci,netdev=n,bus=b,addr=3,romfile= \
    </dev/null >"$T/console" 2>&1 || true
  grep -ao 'SEEN .*END' "$T/console" | sed 's/SEEN //; s/ *END//' || { cat "$T/console" >&2; exit 2; }
}
twelve=$(names bookworm)
thirteen=$(names trixie)
older=$(names trixie net.naming-scheme=v252)
s="$twelve, $thirteen, $older"
k="ens3 enp1s3, ethN ens3, ens3 enp1s3"
echo "names of two NICs with the udev of Debian 12, with that of Debian 13, and with that and net.naming-scheme=v252:"
echo "expected: ens3 enp1s3, three times"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
