"""Pictures, charts, text trees, tables and pages of plain values; nothing is computed here."""
