"""How far reviewers agree: with the model, with one another, and of which pairs they do not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from matching.labels import Label, agreed_tags
from matching.reviewing import Pair


@dataclass(frozen=True)
class Agreement:
    """How often two say the same of the pairs that both judged.

    Attributes
    ----------
    same : int
        Pairs of which they say the same.
    pairs : int
        Pairs that both judged.
    """

    same: int
    pairs: int


@dataclass(frozen=True)
class Standing:
    """Where a reviewer stands.

    Attributes
    ----------
    pairs : int
        That they judged.
    of_all : int
        That anybody judged.
    with_model : Agreement
        With what the model said when each verdict came.
    blind : Agreement
        The same, of those verdicts only that came before the reviewer knew what it said.
    with_others : Agreement
        With what the other reviewers agreed on.
    """

    pairs: int
    of_all: int
    with_model: Agreement
    blind: Agreement
    with_others: Agreement


def standing(
    labels: Sequence[Label], reviewer: str, decide: Callable[[float], str], blind: Collection[int] = ()
) -> Standing:
    """Sum up what a reviewer said.

    Parameters
    ----------
    labels : sequence of Label
        All that stand, in the order of arrival.
    reviewer : str
        Who.
    decide : callable
        Turns a match probability into ``valid`` or ``invalid``.
    blind : collection of int
        Numbers of labels that came before the reviewer knew what the model said.

    Returns
    -------
    Standing
        Each pair counts once, with the reviewer's last word.
    """
    own = {label.verdict.pair: label for label in labels if label.verdict.reviewer == reviewer}
    others = {each.pair: each.tag for each in agreed_tags(x for x in labels if x.verdict.reviewer != reviewer)}
    by_model = {
        label.number: label.verdict.tag == decide(label.verdict.match_probability)
        for label in own.values()
        if label.verdict.match_probability is not None
    }
    return Standing(
        pairs=len(own),
        of_all=len(own.keys() | others.keys()),
        with_model=_agreement(by_model.values()),
        blind=_agreement(same for number, same in by_model.items() if number in blind),
        with_others=_agreement(label.verdict.tag == others[pair] for pair, label in own.items() if pair in others),
    )


def most_disputed(labels: Iterable[Label]) -> list[Pair]:
    """Order the pairs that reviewers judged by how much another verdict is wanted.

    Parameters
    ----------
    labels : iterable of Label
        All that stand, in the order of arrival.

    Returns
    -------
    list of (str, str)
        First those of which the largest share of reviewers speaks against the others, then those that fewer judged,
        then those that wait longest.
    """
    agreed = sorted(agreed_tags(labels), key=lambda each: (-each.against / (each.votes + each.against), each.votes))
    return [each.pair for each in agreed]


def _agreement(found: Iterable[bool]) -> Agreement:
    each = list(found)
    return Agreement(sum(each), len(each))
