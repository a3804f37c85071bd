"""Hot plug: what libvirt and QEMU do when a device is attached to, or detached from, a domain that exists."""
