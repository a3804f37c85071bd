"""Predictions compared with a running QEMU and a running libvirtd."""
