"""Many domains: sources, the loop over them, audits and surveys."""
