#!/bin/bash
# A machine starts with 512 MiB and a DIMM of 256 MiB (<memory model='dimm'>). One would expect its guest to use 768 MiB, as
# a machine with two sticks of memory does. QEMU announces a DIMM like one that is plugged in later. Debian 12 adds its memory
# and leaves it offline: its kernel is built so (MEMORY_HOTPLUG_DEFAULT_ONLINE is not set), and no rule of its udev turns the
# memory on. The same was seen with virtio-mem. Debian 13 uses all of it, and so does Debian 12 with
# memhp_default_state=online on the kernel's command line. Seen with Linux 6.1 (Debian 12) and 6.12 (Debian 13), the udev of
# each, and QEMU 10.0. Needs root for apt; it takes some minutes. 2026-11.
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

get bookworm udev=252.39-1~deb12u2 linux-image-6.1.0-50-amd64=6.1.176-1 busybox-static=1:1.35.0-4+deb12u1+b1
get trixie qemu-system-{x86,common}=1:10.0.13+ds-0+deb13u1 qemu-system-data=1:10.0.13+ds-0+deb13u1 seabios=1.16.3-2 \
  udev=257.13-1~deb13u1 linux-image-6.12.117+deb13-amd64=6.12.117-1 busybox-static=1:1.37.0-6+b9
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
used() { # SUITE KERNEL [OPTION]: how many MiB of memory are online in the guest
  rm -rf "$T/trixie/tmp/initrd.d"; cp "$T/$1/boot/vmlinuz-$2" "$T/trixie/tmp/kernel"
  ramdisk "$T/trixie/tmp/initrd" "$1" <<'X'
cd /sys/devices/system/memory; echo "SEEN $(($(cat memory*/state | grep -cx online) * 0x$(cat block_size_bytes) >> 20))END"
X
  timeout 900 chroot "$T/trixie" /usr/bin/qemu-system-x86_64 -M q35 -m 512,slots=1,maxmem=2G -nodefaults -display none -serial stdio \
    -no-reboot -kernel /tmp/kernel -initrd /tmp/initrd -append "console=ttyS0 panic=-1 quiet ${3-}" \
    -object memory-backend-ram,id=m,size=256M -device pc-dimm,memdev=m </dev/null >"$T/console" 2>&1 || true
  grep -ao 'SEEN .*END' "$T/console" | sed 's/SEEN //; s/END//' || { cat "$T/console" >&2; exit 2; }
}
twelve=$(used bookworm 6.1.0-50-amd64)
online=$(used bookworm 6.1.0-50-amd64 memhp_default_state=online)
thirteen=$(used trixie 6.12.117+deb13-amd64)
s="$twelve, $online and $thirteen"
echo "MiB that Debian 12, Debian 12 with memhp_default_state=online, and Debian 13 use of 768:"
echo "expected: 768, 768 and 768"; echo "seen:     $s"
[ "$s" = "512, 768 and 768" ] || { echo "no longer as recorded: 512, 768 and 768"; exit 1; }
