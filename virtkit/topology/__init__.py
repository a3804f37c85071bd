"""The bus tree of a resolved domain: model, construction, differences, port I/O windows and warnings."""
