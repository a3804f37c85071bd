"""Predictions against the real thing: a running QEMU, a running libvirtd."""
