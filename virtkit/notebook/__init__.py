"""What a notebook shows: the renderers of values, and the explorer with its what-if scenarios."""
