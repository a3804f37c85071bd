"""What libvirt makes of a domain: defaults, addresses and constraints, each step with a reason."""
