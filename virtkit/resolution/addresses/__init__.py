"""One allocator for each type of address, and the buses that must be added."""
