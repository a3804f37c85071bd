"""Pictures, text trees and tables of values that the rest of the package computed; no rule lives here."""
