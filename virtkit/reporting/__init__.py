"""Runs of the notebooks: parameters checked, kernels started, pages rendered, results kept."""
