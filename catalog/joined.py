"""Several columns of somebody's table that feed one field together: two of artists, or composer and lyricist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from catalog.columns import fold
from catalog.errors import CatalogError
from catalog.recording import listed, split_list
from catalog.rows import RawRow, Source, delivered_text

JOIN = "+"
LISTS = ("artists", "isrcs", "contributors")


def with_joined(source: Source, requests: Iterable[str]) -> Source:
    """Add a column for each request that names several of the file's.

    Parameters
    ----------
    source : Source
        The file.
    requests : iterable of str
        ``ours=theirs`` or ``theirs=ours``; theirs may be several columns with ``+`` between them, unless one column is
        called so.

    Returns
    -------
    Source
        With those columns behind its own: the entries of all of them, each once.

    Raises
    ------
    CatalogError
        If one of them stands twice in the file.
    """
    spelled = [fold(name) for name in source.columns]
    joined = {}
    for side in dict.fromkeys(filter(None, map(_several, requests))):
        names = [fold(part) for part in side.split(JOIN)]
        if fold(side) not in spelled and set(names) <= set(spelled):
            joined[side] = [_position(name, spelled) for name in names]
    if not joined:
        return source
    columns = (*source.columns, *joined)
    parts = dict(enumerate(joined.values(), len(source.columns)))

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        asked = sorted({each for position in positions for each in parts.get(position, [position])})
        places = {position: place for place, position in enumerate(asked)}
        for row in source.rows(asked):
            yield row if row.problem else row._replace(cells=[cell(row, position, places) for position in positions])

    def cell(row: RawRow, position: int, places: dict[int, int]) -> object:
        if position not in parts:
            return row.cells[places[position]]
        texts = (delivered_text(row.cells[places[part]]) for part in parts[position])
        return listed(chain.from_iterable(map(split_list, texts)))

    made_of = {side: [source.columns[place] for place in places] for side, places in joined.items()}
    return replace(source, columns=columns, rows=rows, made_of=made_of)


def _several(request: str) -> str:
    """Find the side of a request that names several columns, if it is one."""
    left, _, right = (part.strip() for part in request.partition("="))
    return next((b for a, b in ((left, right), (right, left)) if fold(a) in LISTS and JOIN in b), "")


def _position(name: str, spelled: Sequence[str]) -> int:
    if spelled.count(name) > 1:
        raise CatalogError(f"expected one column {name}, found it twice; rename one of them")
    return spelled.index(name)
