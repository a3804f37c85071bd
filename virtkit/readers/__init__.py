"""Readers of input formats: each turns bytes into domains, as the software that wrote them hands them to libvirt."""
