"""Whether a guest drives the devices of a domain: verdicts, matrices, checks, conversions, recommendations."""
