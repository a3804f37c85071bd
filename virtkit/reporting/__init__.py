"""Runs of the notebooks: parameters, kernels, pages, the index, and the folder of reports."""
