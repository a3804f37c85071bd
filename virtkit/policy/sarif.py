"""Findings as a SARIF 2.1.0 log, which code review tools show beside the lines of the files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from virtkit import __version__
from virtkit.errors import InputError, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from virtkit.errors import VirtkitError
    from virtkit.policy.review import Finding
    from virtkit.policy.rules import Policy

__all__ = ["sarif"]

_LEVELS = MappingProxyType({"deny": "error", "taint": "warning", "warn": "warning", "allow": "note"})


def sarif(policy: Policy, findings: Sequence[Finding], rejected: Sequence[VirtkitError] = ()) -> dict[str, Any]:
    """The findings of ``policy`` as a log, with the ``rejected`` inputs as notifications of the run.

    Source: OASIS, Static Analysis Results Interchange Format 2.1.0: sections 3.27 (result), 3.58 (notification),
    3.4 (a location's URI is relative to the folder that the program ran in, or absolute).
    """
    reasons = {rule.line: rule.reason for rule in policy.rules}
    rules = sorted({finding.rule for finding in findings})
    driver = {
        "name": "virtkit",
        "version": __version__,
        "rules": [
            {"id": f"{policy.name}/{line}", "shortDescription": {"text": reasons.get(line, policy.title)}}
            for line in rules
        ],
    }
    results = [
        {
            "ruleId": f"{policy.name}/{finding.rule}",
            "ruleIndex": rules.index(finding.rule),
            "level": _LEVELS[finding.level],
            "message": {"text": f"{finding.device}: {finding.text}"},
            "locations": [_location(finding.file, finding.line)],
            "properties": asdict(finding),
        }
        for finding in findings
    ]
    invocation = {
        "executionSuccessful": not rejected,
        "toolExecutionNotifications": [_notification(problem) for problem in rejected],
    }
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return {"$schema": schema, "version": "2.1.0", "runs": [run]}


def _notification(problem: VirtkitError) -> dict[str, Any]:
    said: dict[str, Any] = {"level": "error", "message": {"text": str(problem)}}
    if isinstance(problem, InputError | Refused) and problem.file:
        said["message"] = {"text": problem.what}
        said["locations"] = [_location(problem.file, problem.line)]
    return said


def _location(file: str, line: int | None) -> dict[str, Any]:
    path = Path(file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line:
        place["region"] = {"startLine": line}
    return {"physicalLocation": place}
