#!/bin/bash
# osinfo-db has entries for releases that it does not know yet: rhel9-unknown for a later RHEL 9, rhel-unknown for a later
# RHEL, fedora-unknown for a later Fedora. One would expect each to list what its predecessor lists, as rhel9-unknown and
# fedora-unknown do. rhel-unknown lists no device, so virt-install gives a new RHEL an IDE disk and an e1000 NIC on i440FX
# instead of virtio on q35, without a warning. Seen with osinfo-db 20221203 and virt-install 4.1.0 (Debian 12); the entry
# in osinfo-db 20260517 lists no device either. Needs root; no guest runs. 2026-11.
set -euo pipefail
export LC_ALL=C
T=$(mktemp -d); R=$T/root; P=
trap '[ -z "$P" ] || { kill -KILL "$P" || true; wait "$P" || true; sleep 1; } 2>/dev/null; rm -rf "$T"' EXIT
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
L=9.0.0-4+deb12u2 Q=1:7.2+dfsg-7+deb12u18
get libvirt0=$L libvirt-{clients,daemon,daemon-driver-qemu}=$L qemu-system-{x86,common}=$Q+b3 qemu-system-data=$Q seabios=1.16.2-1 \
  virtinst=1:4.1.0-2 osinfo-db=0.20221130-2
# libvirtd in the unpacked tree, with processes and mounts of its own, which all end with it
mkdir -p "$R"/{dev,sys,proc,run,tmp,root,etc/libvirt}
printf '%s:x:0:0::/root:/bin/false\n' root libvirt-qemu >"$R/etc/passwd"; printf '%s:x:0:\n' root libvirt-qemu >"$R/etc/group"
echo 'auth_unix_rw = "none"' >"$R/etc/libvirt/libvirtd.conf"
printf '%s\n' 'user = "+0"' 'group = "+0"' 'namespaces = []' 'cgroup_controllers = []' 'seccomp_sandbox = 0' 'remember_owner = 0' 'stdio_handler = "file"' \
  'security_driver = "none"' >"$R/etc/libvirt/qemu.conf"
unshare -mpf --kill-child --mount-proc="$R/proc" sh -c 'mount --rbind /dev "$0/dev" && mount --rbind /sys "$0/sys" && chroot "$0" /usr/sbin/libvirtd; :' "$R" >"$T/log" 2>&1 &
P=$!
virsh() { chroot "$R" /usr/bin/virsh -q -c 'qemu+unix:///system?socket=/run/libvirt/libvirt-sock' "$@"; }
for ((i = 0; i < 60; i++)); do virsh version --daemon >"$T/version" 2>&1 && break; sleep 1; done
grep -q 'Running against daemon: 9\.0\.0$' "$T/version" || { cat "$T/log" "$T/version"; exit 2; }

truncate -s 1M "$R/disk.img"
chosen() { # OS: the machine type, the bus of the disk and the model of the NIC that virt-install chooses for it
  chroot "$R" /usr/bin/virt-install --connect 'qemu+unix:///system?socket=/run/libvirt/libvirt-sock' --virt-type qemu \
    --osinfo "$1" --name finding --memory 1024 --import --disk /disk.img --network user --graphics none --print-xml >"$T/xml"
  local machine; machine=$(sed -n "s/.* machine=\"\([^\"]*\)\".*/\1/p" "$T/xml")
  echo "$(case $machine in q35 | *-q35-*) echo q35 ;; pc | *-i440fx-*) echo i440FX ;; *) echo "$machine" ;; esac)" \
    "$(sed -n 's/.*<target dev="[a-z]*" bus="\([^"]*\)".*/\1/p' "$T/xml")" \
    "$(sed -n '/<interface /,/<\/interface>/s/.*<model type="\([^"]*\)".*/\1/p' "$T/xml")"
}
s="$(chosen rhel9-unknown), $(chosen fedora-unknown), $(chosen rhel-unknown)"
k="q35 virtio virtio, q35 virtio virtio, i440FX ide e1000"
echo "machine type, disk and NIC for rhel9-unknown, fedora-unknown and rhel-unknown:"
echo "expected: q35 virtio virtio, q35 virtio virtio, q35 virtio virtio"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
