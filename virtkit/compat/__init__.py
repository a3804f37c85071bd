"""Whether a guest drives what a domain shows it: verdicts, matrices, checks, conversions, recommendations."""

# The functions take the names of their modules on purpose: vk.check(resolved) and vk.matrix() are what people type.
from virtkit.compat.check import Review, check
from virtkit.compat.conversion.machine import Conversion, convert
from virtkit.compat.matrix import matrix
from virtkit.compat.recommend import Recommendation, recommend
from virtkit.compat.verdict import Evidence, Judgement, Verdict

__all__ = [
    "Conversion",
    "Evidence",
    "Judgement",
    "Recommendation",
    "Review",
    "Verdict",
    "check",
    "convert",
    "matrix",
    "recommend",
]
