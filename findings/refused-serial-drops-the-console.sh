#!/bin/bash
# A running domain has one console, of virtio, and no serial port. `virsh attach-device --live` with a serial port of ISA
# is refused, because QEMU cannot plug in ISA devices. One would expect the domain to stay as it is. libvirt drops the
# console from the running domain: `virsh dumpxml` and `virsh console` no longer find it, although QEMU still has it.
# libvirt takes it for the console that it would have made for the serial port. Seen with libvirt 9.0.0 and QEMU 7.2
# (Debian 12). Needs root; no guest code runs. 2026-11.
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

D=finding-lost-console
cat >"$R/domain.xml" <<X
<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<features><acpi/></features><devices><memballoon model='none'/><controller type='usb' model='none'/>
<controller type='virtio-serial'/><console type='pty'><target type='virtio'/></console></devices></domain>
X
echo "<serial type='pty'><target type='isa-serial'/></serial>" >"$R/serial.xml"
virsh define /domain.xml; virsh start --paused $D
consoles() { virsh dumpxml $D | grep -c '<console ' || true; }
before=$(consoles)
virsh attach-device $D /serial.xml --live 2>"$T/refusal" && { echo "no longer as recorded: the serial port is taken"; exit 1; }
after=$(consoles)
cat "$T/refusal"
echo "consoles of the running domain before and after the refusal:"
echo "expected: $before and $before"; echo "seen:     $before and $after"
[ "$before $after" = "1 0" ] || { echo "no longer as recorded: 1 and 0"; exit 1; }
