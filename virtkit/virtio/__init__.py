"""The virtio devices of a domain: kinds, the interface QEMU shows, drivers."""
