#!/bin/bash
# A q35 machine has no IDE controller, and libvirt refuses a definition of one with an IDE disk. One would expect
# `virsh attach-device --config` to make the same checks, because its result is such a definition. It takes the disk,
# and stores a definition that it refuses from `virsh define` a moment later, so that `virsh edit` cannot save
# it. Seen with libvirt 9.0.0 (Debian 12); 12.8 refuses it. Needs root; no guest runs. 2026-11.
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
mkdir -p "$R"/{dev,proc,run,tmp,root,etc/libvirt}
printf '%s:x:0:0::/root:/bin/false\n' root libvirt-qemu >"$R/etc/passwd"; printf '%s:x:0:\n' root libvirt-qemu >"$R/etc/group"
echo 'auth_unix_rw = "none"' >"$R/etc/libvirt/libvirtd.conf"
printf '%s\n' 'user = "+0"' 'group = "+0"' 'namespaces = []' 'cgroup_controllers = []' 'seccomp_sandbox = 0' 'remember_owner = 0' \
  'security_driver = "none"' >"$R/etc/libvirt/qemu.conf"
unshare -mpf --kill-child --mount-proc="$R/proc" sh -c 'mount --rbind /dev "$0/dev" && chroot "$0" /usr/sbin/libvirtd; :' "$R" >"$T/log" 2>&1 &
P=$!
virsh() { chroot "$R" /usr/bin/virsh -q -c 'qemu+unix:///system?socket=/run/libvirt/libvirt-sock' "$@"; }
for ((i = 0; i < 60; i++)); do virsh version --daemon >"$T/version" 2>&1 && break; sleep 1; done
grep -q 'Running against daemon: 9\.0\.0$' "$T/version" || { cat "$T/log" "$T/version"; exit 2; }

D=finding-ide-on-q35
truncate -s 1M "$R/disk.img"
disk="<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/disk.img'/><target dev='hda' bus='ide'/></disk>"
domain() { echo "<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices>$1</devices></domain>"; }
says() { if "$@" >"$T/out" 2>&1; then echo accepted; else echo refused; fi; }
domain "$disk" >"$R/whole.xml"; domain "" >"$R/bare.xml"; echo "$disk" >"$R/disk.xml"
whole=$(says virsh define /whole.xml); cat "$T/out"
virsh define /bare.xml
attached=$(says virsh attach-device $D /disk.xml --config)
virsh dumpxml $D >"$R/stored.xml"
again=$(says virsh define /stored.xml); cat "$T/out"
s="whole definition $whole, attached with --config $attached, what is stored then: define $again"
k="whole definition refused, attached with --config accepted, what is stored then: define refused"
echo "an IDE disk on q35:"; echo "expected: refused each time"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
