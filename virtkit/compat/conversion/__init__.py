"""Changes that move a domain to another machine type or to other virtio models."""
