"""How many duplicates there are: among all candidates of a catalogue far fewer than among labelled pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

_ROUNDS = 200
_CLOSE = 1e-9
# As if this many candidates had been seen before, so that the share does not run away on a handful of them.
_PSEUDO_CANDIDATES = 20
# A catalogue with hardly any duplicates is no reason to disbelieve two rows that are the same to the letter.
_LEAST_SHARE = 0.01


def estimated_share(probabilities: Numbers, candidates: int, labelled_share: float) -> float:
    """Estimate which share of the candidates is valid, without labels.

    The classifier's probabilities hold for pairs of which as many are valid as of those it learnt from. From them the
    share among other pairs follows by expectation and maximisation (Saerens, Latinne and Decaestecker 2002).

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n,), match probabilities of candidates; those that are not here count as 0.
    candidates : int
        How many there are in all.
    labelled_share : float
        Valid pairs among those that the classifier was calibrated on, above 0 and below 1.

    Returns
    -------
    float
        From 0.01 to 1; the share of the labelled pairs if there are no candidates.
    """
    share = labelled_share
    seen = candidates + _PSEUDO_CANDIDATES
    for _ in range(_ROUNDS):
        total = adjusted(probabilities, share, labelled_share).sum() + _PSEUDO_CANDIDATES * share
        before, share = share, min(max(float(total) / seen, _LEAST_SHARE), 1 - _CLOSE)
        if abs(share - before) < _CLOSE:
            break
    return share


def adjusted(probabilities: Numbers, share: float, labelled_share: float) -> Numbers:
    """Say what match probabilities are where another share of the pairs is valid.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Any shape, for pairs like the labelled ones.
    share : float
        Of valid pairs among those at hand, above 0 and below 1.
    labelled_share : float
        Among those that the classifier was calibrated on, above 0 and below 1.

    Returns
    -------
    numpy.ndarray
        Same shape, in [0, 1].
    """
    valid = probabilities * (share / labelled_share)
    return valid / (valid + (1 - probabilities) * ((1 - share) / (1 - labelled_share)))


def link_probabilities(probabilities: Numbers, share: float, labelled_share: float) -> Numbers:
    """Say how sure it is that candidates belong into one cluster.

    Labelled pairs were chosen because they are hard to tell apart, candidates are all that is near: of these fewer are
    valid, but many of the others are easy. Taken as they are, match probabilities link too much; adjusted to the share
    of valid candidates as if nothing else were different, too little. So both readings count one half.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n,), match probabilities.
    share : float
        Of valid pairs among the candidates, from `estimated_share`.
    labelled_share : float
        Valid pairs among those that the classifier was calibrated on, above 0 and below 1.

    Returns
    -------
    numpy.ndarray
        Shape (n,), in [0, 1], in the same order of size.
    """
    return (probabilities + adjusted(probabilities, share, labelled_share)) / 2
