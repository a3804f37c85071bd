#!/bin/bash
# A pc-q35-6.0 machine has a virtio NIC in slot 1 of a pcie-pci-bridge, and one is plugged into slot 2 of it. Debian's
# cloud kernel is made for virtual machines; one would expect it to see what the generic kernel sees. QEMU accepts the NIC
# each time, and the cloud kernel never sees it: it has no driver for the hotplug controller of such a bridge (SHPC), which
# announces the NIC on machine types before pc-q35-6.1. For the same reason the NIC that was there at the start has
# another name: enp2s1 instead of ens1. Seen with Linux 6.12 and udev 257 (Debian 13) and QEMU 10.0. Needs root for apt;
# it takes some minutes. 2026-11.
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
  for d in bin lib lib64; do [ -e "$T/$s/$d" ] || ln -s "usr/$d" "$T/$s/$d"; done
  mkdir -p "$T/$s/proc" "$T/$s/dev" "$T/$s/tmp"
}
V=6.12.117+deb13
get trixie qemu-system-{x86,common}=1:10.0.13+ds-0+deb13u1 qemu-system-data=1:10.0.13+ds-0+deb13u1 seabios=1.16.3-2 \
  udev=257.13-1~deb13u1 linux-image-$V-{cloud-,}amd64=6.12.117-1 busybox-static=1:1.37.0-6+b9
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
cat >"$T/script" <<'X'
cd /sys/class/net; first=$(ls -d e*); echo READY
for i in $(seq 40); do [ $(ls -d e* | wc -l) = 1 ] || break; sleep 1; done; sleep 1; udevadm settle
echo "SEEN $first, then $(ls -d e* | sort | tr '\n' ' ')END"
X
names() { # KERNEL: sets `seen` to the names of the NICs at the start, and once another one is plugged in
  local m=$T/trixie/lib/modules/$1/kernel
  rm -rf "$T"/trixie/tmp/*; mkfifo "$T/trixie/tmp/keys"; true >"$T/console"
  ramdisk "$T/trixie/tmp/initrd" trixie "$m"/net/core/failover.ko.xz "$m"/drivers/net/{net_failover,virtio_net}.ko.xz <"$T/script"
  timeout 900 chroot "$T/trixie" /usr/bin/qemu-system-x86_64 -M pc-q35-6.0 -m 512 -nodefaults -display none -no-reboot \
    -chardev file,id=c,path=/tmp/console -serial chardev:c -monitor stdio -kernel "/boot/vmlinuz-$1" -initrd /tmp/initrd \
    -append "console=ttyS0 panic=-1 quiet" -device pcie-root-port,id=r,chassis=1,addr=2 -device pcie-pci-bridge,id=b,bus=r \
    -netdev user,id=m -device virtio-net-pci,netdev=m,bus=b,addr=1,romfile= -netdev user,id=n <"$T/trixie/tmp/keys" >"$T/monitor" 2>&1 &
  exec 3>"$T/trixie/tmp/keys"
  until grep -qa READY "$T/trixie/tmp/console" 2>/dev/null; do sleep 1; kill -0 $! 2>/dev/null || { cat "$T/monitor" >&2; exit 2; }; done
  echo 'device_add virtio-net-pci,id=late,netdev=n,bus=b,addr=2,romfile=' >&3; sleep 2; echo 'info network' >&3
  wait $! || true; exec 3>&-
  grep -q '^late: ' "$T/monitor" || { cat "$T/monitor" >&2; exit 2; }
  seen=$(grep -ao 'SEEN .*END' "$T/trixie/tmp/console" | sed 's/SEEN //; s/ *END//') || { cat "$T/trixie/tmp/console" >&2; exit 2; }
}
names "$V-amd64"; s=$seen
names "$V-cloud-amd64"; s="$s; $seen"
k="ens1, then ens1 ens2; enp2s1, then enp2s1"
echo "names of the NICs at the start and after the plug, with the generic and with the cloud kernel:"
echo "expected: ens1, then ens1 ens2, twice"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
