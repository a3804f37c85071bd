"""Model policies: which virtio model and slot a device gets, compared on guests and machines."""
