"""What libvirt adds to a domain and fills in before it assigns addresses."""
