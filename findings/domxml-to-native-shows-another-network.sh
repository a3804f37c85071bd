#!/bin/bash
# `virsh domxml-to-native qemu-argv` prints the QEMU command line of a domain. One would expect the one with which libvirt
# starts it. The line has another network backend: a NIC in user mode (-netdev user) is shown as a tap device with a file
# descriptor that is not open. Whoever copies or reviews the line sees a network that the domain never has, and
# libvirt says nothing about it. Seen with libvirt 9.0.0 and QEMU 7.2 (Debian 12). Needs root; no guest code runs. 2026-11.
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
get libvirt0=$L libvirt-{clients,daemon,daemon-driver-qemu}=$L qemu-system-{x86,common}=$Q+b3 qemu-system-data=$Q seabios=1.16.2-1
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

D=finding-netdev
cat >"$R/domain.xml" <<Y
<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<features><acpi/></features><devices><memballoon model='none'/><controller type='usb' model='none'/>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface></devices></domain>
Y
virsh define /domain.xml
backend() { grep -o '{"type":"[a-z]*"[^}]*"id":"hostnet0"}' | cut -d '"' -f 4; }
printed=$(virsh domxml-to-native qemu-argv --domain $D | backend)
virsh start --paused $D
started=$(backend <"$R/var/log/libvirt/qemu/$D.log")
echo "network backend on the printed command line and on that of the running QEMU:"
echo "expected: $started and $started"; echo "seen:     $printed and $started"
[ "$printed $started" = "tap user" ] || { echo "no longer as recorded: tap and user"; exit 1; }
