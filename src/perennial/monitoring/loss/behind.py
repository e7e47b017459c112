"""Evidence that a champion loses more than the trivial model that is scored on the same rows."""

from __future__ import annotations

import numpy as np

from perennial.monitoring.loss.evidence import CLIP, gathered
from perennial.monitoring.loss.losses import LARGEST
from perennial.monitoring.psi import Floats

_BETS: Floats = np.array([0.2, 0.5, 0.95])
_MEMORY = 30
"""About so many nights back the baseline's usual loss is remembered."""


def evidence_behind(champion: Floats, baseline: Floats, *, threshold: float) -> Floats:
    r"""Return the evidence after each night that the champion's mean loss is above the baseline's, from some night on.

    It is gathered as evidence of decay is (:func:`perennial.monitoring.loss.evidence.gathered`): an alarm at 1/a comes within t
    nights with a chance of at most ``a * t`` if the champion is at most as bad as the baseline, however often one looks. A night's
    factor is ``1 + b * min(max(d / u, -l), 4) / l``, with the difference d of the two losses and three bets b. What scales it is
    known before the night: u is what the baseline lost on the nights before, in the mean of about thirty; l is the most, in units
    of u, by which the champion won on one of them, at least 1 and at most 4. So the factor is positive, and has a mean of at most
    1 if the difference has one of at most 0 and the champion wins by no more than l times u. A champion that is a little worse on
    most nights and wins by far on a few is told from a bad one as soon as one of these few was seen. The first night is not bet on.

    Where nights hang together, the mean given the nights before goes above 0 for a while, and the promise does not cover that.

    Args:
        champion: Shape (..., nights), the mean losses, oldest night first, at least 0.
        baseline: The same of the baseline, on the same rows.
        threshold: Where an alarm is raised.

    Returns:
        Shape (..., nights).

    Examples:
        >>> evidence_behind(np.array([3.0, 3.0, 3.0]), np.array([2.0, 2.0, 2.0]), threshold=100.0).round(2).tolist()
        [1.0, 2.55, 4.57]
    """
    ours, other = np.minimum(champion, LARGEST), np.minimum(baseline, LARGEST)
    usual, most = np.where(other[..., 0] > 0, other[..., 0], ours[..., 0]), np.ones(ours.shape[:-1])
    growth = np.zeros((*ours.shape, _BETS.size))
    for night in range(1, ours.shape[-1]):
        usual = np.where(usual > 0, usual, np.maximum(ours[..., night], other[..., night]))
        scale = np.where(usual > 0, usual, 1.0)
        behind = np.clip((ours[..., night] - other[..., night]) / scale, -CLIP, CLIP)
        growth[..., night, :] = np.log1p(_BETS * (np.maximum(behind, -most) / most)[..., None])
        most = np.maximum(most, -behind)
        usual = usual + (np.minimum(other[..., night], CLIP * usual) - usual) / min(night + 1, _MEMORY)
    return gathered(growth, np.full(_BETS.size, 1 / _BETS.size), threshold=threshold)
