"""Counted nouns and lists in messages."""

from __future__ import annotations

import pytest

from virtkit.wording import counted, listed, sentences


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "domain", "0 domains"),
        (1, "domain", "1 domain"),
        (2, "domain", "2 domains"),
        (2, "bus", "2 buses"),
        (2, "address", "2 addresses"),
        (2, "index", "2 indexes"),
        (2, "policy", "2 policies"),
        (2, "key", "2 keys"),
        (1234567, "cell", "1,234,567 cells"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    """One takes the singular, every other number the plural, with a comma for each thousand."""
    assert counted(number, noun) == text


def test_a_verb_agrees_with_its_number() -> None:
    """The plural of a phrase with a verb is the one that the caller gives."""
    assert counted(1, "cell gets worse", "cells get worse") == "1 cell gets worse"
    assert counted(2, "cell gets worse", "cells get worse") == "2 cells get worse"


@pytest.mark.parametrize(("words", "text"), [("", ""), ("A", "A"), ("AB", "A and B"), ("ABC", "A, B and C")])
def test_the_last_word_of_a_list_has_a_conjunction(words: str, text: str) -> None:
    """Words are separated by commas, the last two by "and"."""
    assert listed(list(words)) == text


def test_every_sentence_ends_with_a_full_stop() -> None:
    """A full stop is added where there is none, and empty texts leave no gap."""
    assert sentences("one", "", "Two.") == "one. Two."
