"""What the default model learns beside the sample's labelled pairs."""

import numpy as np

from catalog.numbers import agreement_of
from catalog.recording import Recording
from catalog.titles import parse_title
from training.further import in_series, saying_nothing
from training.pairs import LabelledPairs


def pairs(valid, count=300):
    q = [
        Recording(f"q{n}", f"Song {chr(97 + n % 26)}", ("Ann",), ("USRC17607839",), duration_ms=200_000)
        for n in range(count)
    ]
    m = [Recording(f"m{n}", one.title, ("Ann",), ("USRC17607839",), duration_ms=200_000) for n, one in enumerate(q)]
    return LabelledPairs(q, m, np.full(count, valid), [])


def test_parts_of_a_series_come_in_twos_one_of_each_kind():
    learnt = in_series(pairs(valid=True))
    added = range(300, len(learnt))
    assert 20 < len(added) < 120
    assert learnt.valid[300:].tolist() == [True, False] * (len(added) // 2)
    numbers = [[parse_title(side[row].title).numbers for side in (learnt.q, learnt.m)] for row in added]
    agreed = [agreement_of(*both) for both in numbers]
    assert all((one == 1) == valid for one, valid in zip(agreed, learnt.valid[300:].tolist(), strict=True))
    assert all(learnt.q[row].isrcs and bool(learnt.m[row].isrcs) == learnt.valid[row] for row in added)
    assert in_series(pairs(valid=True)).m == learnt.m


def test_what_is_no_match_is_no_part():
    assert len(in_series(pairs(valid=False))) == 300


def test_rows_that_say_nothing_are_learnt_as_invalid():
    learnt = saying_nothing(pairs(valid=True))
    assert learnt.q[300:] == learnt.m[300:] == [Recording("")] * 3
    assert learnt.valid.tolist() == [True] * 300 + [False] * 3
