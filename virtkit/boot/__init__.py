"""What happens between power-on and a login: the firmware, the kernel of the guest, the names of its devices."""
