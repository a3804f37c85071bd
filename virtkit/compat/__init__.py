"""Whether a guest drives the devices of a domain: verdicts, matrices, checks, conversions, recommendations."""

# The functions have the names of their modules on purpose: people type vk.check(resolved) and vk.matrix().
from virtkit.compat.check import check
from virtkit.compat.conversion.machine import Conversion, convert
from virtkit.compat.matrix import matrix
from virtkit.compat.recommend import Recommendation, recommend
from virtkit.compat.review import Finding, Remark, Review
from virtkit.compat.verdict import Evidence, Judgement, Verdict

__all__ = [
    "Conversion",
    "Evidence",
    "Finding",
    "Judgement",
    "Recommendation",
    "Remark",
    "Review",
    "Verdict",
    "check",
    "convert",
    "matrix",
    "recommend",
]
