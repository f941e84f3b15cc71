"""The page about every feature, made out of what the features say themselves.

``python -m matching.features.reference > docs/features.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

from matching.features import FEATURES, GROUPS, FeatureGroup

_INTRODUCTION = """\
# Features

<!-- written by: python -m matching.features.reference > docs/features.md -->

What the classifier sees of a pair: {n_features} numbers in {n_groups} groups. `onemaster train --without GROUP`
switches a group off, and may be given several times; `core` always stays. Formulas and thresholds have their sources
in the docstrings of `matching/features/`. Why so: [decision 7](decisions/0007-feature-groups-and-scripts.md).

- **Range.** 0 to 1, higher is more alike, unless the meaning says otherwise.
- **Symmetric.** Swapping the two recordings changes nothing.
- **Missing** is NaN in the code and `null` in answers, never 0. Where one side writes a field in Latin letters only and
  the other in none, most features of `titles`, `people`, `fields` and `rarity` are missing, too: such words cannot be
  the same. The group `sound` compares them.
- **Rises.** More of such a feature never lowers the match probability, all else being equal; the classifier is held to
  that.
- **Topic.** An explanation sums up the features of one topic, in the words of the one that weighed most.
  A value of at least one half is worded as agreeing, one below as differing.
"""
_HEAD = "| feature | topic | meaning | rises | agreeing | differing |\n|---|---|---|---|---|---|"


def reference() -> str:
    """Write the page.

    Returns
    -------
    str
        Markdown: an introduction, then a table for each of `GROUPS`, under the first line of its module's docstring.
    """
    introduction = _INTRODUCTION.format(n_features=len(FEATURES), n_groups=len(GROUPS))
    return "\n".join([introduction, *(line for group in GROUPS.values() for line in _section(group))])


def _section(group: FeatureGroup) -> Iterator[str]:
    compute = group.columns[0]
    about = inspect.getdoc(inspect.getmodule(getattr(compute, "func", compute))) or ""
    yield f"## {group.name}\n\n{about.partition(chr(10))[0]}\n\n{_HEAD}"
    for each in group.features:
        rises = "yes" if each.rises else "no"
        yield f"| `{each.name}` | {each.topic} | {each.meaning} | {rises} | {each.agree} | {each.differ} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(reference())
