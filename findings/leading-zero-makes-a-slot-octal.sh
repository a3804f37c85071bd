#!/bin/bash
# The address of a disk is written with slot='010'. libvirt writes slots as two hexadecimal digits (slot='0x0a') and its
# documentation shows decimal and hexadecimal numbers; with the leading zero of a table or a script one would expect
# slot 10. `virsh define` accepts it and stores slot 8: a leading zero makes the number octal. slot='09' is refused, and
# slot='10' is slot 10. Seen with libvirt 9.0.0 (Debian 12). Needs root; no guest runs. 2026-11.
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

D=finding-octal-slot
stored() { # SLOT: what libvirt stores for it, or "refused"
  cat >"$R/domain.xml" <<X
<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><memballoon model='none'/><disk type='file' device='disk'><source file='/disk.img'/><target dev='vda' bus='virtio'/>
<address type='pci' domain='0' bus='0' slot='$1' function='0'/></disk></devices></domain>
X
  if virsh define /domain.xml >"$T/define" 2>&1; then
    virsh dumpxml $D | sed -n "/<disk /,/<\/disk>/s/.*slot='\([^']*\)'.*/\1/p"; virsh undefine $D
  else echo refused; fi
}
ten=$(stored 10) octal=$(stored 010) nine=$(stored 09)
echo "slots stored for '10', '010' and '09':"
echo "expected: 0x0a, 0x0a and 0x09"; echo "seen:     $ten, $octal and $nine"
[ "$ten $octal $nine" = "0x0a 0x08 refused" ] || { echo "no longer as recorded: 0x0a, 0x08 and refused"; exit 1; }
