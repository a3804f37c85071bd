"""Model policies: which virtio model and slot each device gets, compared for guests and machines."""
