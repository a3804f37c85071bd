#!/bin/bash
# `virsh attach-device --live --config` attaches one device to the running domain and to its definition. One would
# expect one address for both, so that the guest finds the device in the same place after a restart. libvirt chooses
# an address on each side by itself: once a device was attached to one side only (here a NIC with --live, which is the
# default of virsh for a running domain), each later device gets two addresses and moves at the next start, where the
# guest gives the NIC another name. libvirt says nothing. Seen with libvirt 9.0.0 and QEMU 7.2 (Debian 12); 12.8 does
# the same. Needs root, and a libvirtd of Debian 12 that can start QEMU; no guest code runs. 2026-11.
set -euo pipefail
export LC_ALL=C LIBVIRT_DEFAULT_URI=qemu:///system
virsh -q version --daemon | grep -q 'Running against daemon: 9\.0\.0$' || { echo "needs a libvirtd 9.0.0 at qemu:///system"; exit 2; }
D=finding-two-addresses-$$; T=$(mktemp -d)
trap '{ virsh -q destroy $D || true; virsh -q undefine $D; } >/dev/null 2>&1 || true; rm -rf "$T"' EXIT
cat >"$T/domain.xml" <<X
<domain type='qemu'><name>$D</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<features><acpi/></features><devices><memballoon model='none'/><controller type='usb' model='none'/>
<controller type='pci' index='0' model='pcie-root'/><controller type='pci' model='pcie-root-port'/>
<controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/></devices></domain>
X
nic() { echo "<interface type='user'><mac address='52:54:00:00:00:0$1'/><model type='virtio'/></interface>" >"$T/nic$1.xml"; }
nic 1; nic 2
virsh -q define "$T/domain.xml"; virsh -q start --paused $D
virsh -q attach-device $D "$T/nic1.xml" --live
virsh -q attach-device $D "$T/nic2.xml" --live --config
bus() { # SIDE: the bus of the second NIC
  virsh dumpxml $D $1 | sed -n "/52:54:00:00:00:02/,/<\/interface>/s/.*<address type='pci' domain='0x0000' bus='\([^']*\)'.*/\1/p"
}
live=$(bus ""); config=$(bus --inactive)
echo "bus of the second NIC, attached with --live --config after one with --live:"
echo "expected: running $live, definition $live"; echo "seen:     running $live, definition $config"
[ "$live $config" = "0x02 0x01" ] || { echo "no longer as recorded: running 0x02, definition 0x01"; exit 1; }
