#!/bin/bash
# A q35 machine has no IDE controller, and libvirt refuses a definition of one with an IDE disk. One would expect
# `virsh attach-device --config` to make the same checks, because its result is such a definition. It takes the disk,
# and stores a definition that it refuses from `virsh define` a moment later, so that `virsh edit` cannot save it; the
# domain does not start any more. Seen with libvirt 9.0.0 (Debian 12); 12.8 refuses it. Needs root, and a libvirtd of Debian 12; no
# guest runs. 2026-11.
set -euo pipefail
export LC_ALL=C LIBVIRT_DEFAULT_URI=qemu:///system
virsh -q version --daemon | grep -q 'Running against daemon: 9\.0\.0$' || { echo "needs a libvirtd 9.0.0 at qemu:///system"; exit 2; }
D=finding-ide-on-q35-$$; T=$(mktemp -d)
trap '{ virsh -q destroy $D || true; virsh -q undefine $D; } >/dev/null 2>&1 || true; rm -rf "$T"' EXIT
truncate -s 1M "$T/disk.img"
disk="<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$T/disk.img'/><target dev='hda' bus='ide'/></disk>"
domain() { echo "<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices>$1</devices></domain>"; }
says() { if "$@" >"$T/out" 2>&1; then echo accepted; else echo refused; fi; }
domain "$disk" >"$T/whole.xml"; domain "" >"$T/bare.xml"; echo "$disk" >"$T/disk.xml"
whole=$(says virsh -q define "$T/whole.xml"); cat "$T/out"
virsh -q define "$T/bare.xml"
attached=$(says virsh -q attach-device $D "$T/disk.xml" --config)
virsh dumpxml $D >"$T/stored.xml"
again=$(says virsh -q define "$T/stored.xml"); cat "$T/out"
started=$(says virsh -q start --paused $D); cat "$T/out"
s="whole definition $whole, attached with --config $attached, what is stored then: define $again, start $started"
k="whole definition refused, attached with --config accepted, what is stored then: define refused, start refused"
echo "an IDE disk on q35:"; echo "expected: refused each time"; echo "seen:     $s"
[ "$s" = "$k" ] || { echo "no longer as recorded: $k"; exit 1; }
