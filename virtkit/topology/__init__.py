"""The bus tree of a resolved domain: model, construction, differences, port I/O budget, warnings."""
