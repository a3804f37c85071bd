#!/bin/bash
# virtio over the channel subsystem of s390x has no transitional and non-transitional devices: the two models are a
# matter of PCI. One would expect libvirt to refuse model='virtio-transitional' for a device on ccw when the domain is
# defined, as it refuses other models that a machine lacks. It takes the definition and gives the device a ccw address;
# QEMU then has no virtio-blk-ccw-transitional, so the domain does not start, and a running one does not take such a
# disk. Seen with libvirt 9.0.0 and QEMU 7.2 (Debian 12); 12.8 does the same. Needs root, and a libvirtd of Debian 12
# with qemu-system-misc; no guest code runs. 2026-11.
set -euo pipefail
export LC_ALL=C LIBVIRT_DEFAULT_URI=qemu:///system
virsh -q version --daemon | grep -q 'Running against daemon: 9\.0\.0$' || { echo "needs a libvirtd 9.0.0 at qemu:///system"; exit 2; }
D=finding-s390x-$$; T=$(mktemp -d)
trap '{ virsh -q destroy $D || true; virsh -q undefine $D; } >/dev/null 2>&1 || true; rm -rf "$T"' EXIT
truncate -s 1M "$T/disk.img"
disk="<disk type='file' device='disk' model='virtio-transitional'><driver name='qemu' type='raw'/><source file='$T/disk.img'/><target dev='vda' bus='virtio'/></disk>"
domain() { echo "<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory>
<os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type></os><devices>$1</devices></domain>"; }
says() { if "$@" >"$T/out" 2>&1; then echo accepted; else echo "refused ($(grep -o "'[^']*' is not a valid device model name" "$T/out" || cat "$T/out"))"; fi; }
domain "$disk" >"$T/whole.xml"; domain "" >"$T/bare.xml"; echo "$disk" >"$T/disk.xml"
defined=$(says virsh -q define "$T/whole.xml")
started=$(says virsh -q start --paused $D)
virsh -q undefine $D; virsh -q define "$T/bare.xml"; virsh -q start --paused $D
plugged=$(says virsh -q attach-device $D "$T/disk.xml" --live)
n="'virtio-blk-ccw-transitional' is not a valid device model name"
s="define $defined, start $started, attach --live $plugged"
k="define accepted, start refused ($n), attach --live refused ($n)"
echo "a virtio-transitional disk on s390x:"; echo "expected: refused when it is defined"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
