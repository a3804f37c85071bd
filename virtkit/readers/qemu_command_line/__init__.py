"""QEMU command lines: words, options, the devices in QEMU's order, their places, and the domain XML."""
