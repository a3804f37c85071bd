"""What shows itself in JupyterLab: displays, the explorer and its what-if scenarios."""
