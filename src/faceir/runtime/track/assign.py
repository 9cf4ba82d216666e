"""Which found face belongs to which track: the pairs of greatest gain together, exactly."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["assign"]

_Ints: TypeAlias = npt.NDArray[np.int64]


def assign(gain: npt.NDArray[np.floating]) -> tuple[_Ints, _Ints]:
    """Rows and columns `[P]` of the pairs whose `gain` `[N,M]` adds up to the most, each row and column at most once.

    Only pairs of gain above 0 are made, so what is below a threshold has a gain of 0 or less. Exact, as SciPy's
    `linear_sum_assignment`; it is written out since nothing else here needs SciPy.

    >>> assign(np.array([[0.9, 0.8], [0.8, 0.1]]))
    (array([0, 1]), array([1, 0]))
    """
    if gain.size == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # A column that is the best of a row and of use to no other row is that row's: most rows of most frames.
    useful = gain > 0
    best = gain.argmax(axis=1)
    every = np.arange(len(gain))
    wanted = useful[every, best]
    plain = wanted & (useful.sum(axis=0)[best] == 1)
    rows = every[wanted & ~plain]
    if len(rows) == 0:
        return every[plain], best[plain]
    columns = np.flatnonzero(useful[rows].any(axis=0))
    columns = columns[~np.isin(columns, best[plain])]
    some = np.maximum(gain[np.ix_(rows, columns)], 0).astype(np.float64)
    column_of = _hungarian(-some) if len(rows) <= len(columns) else _inverse(_hungarian(-some.T), len(rows))
    made = np.flatnonzero(column_of >= 0)
    made = made[some[made, column_of[made]] > 0]
    return np.concatenate([every[plain], rows[made]]), np.concatenate([best[plain], columns[column_of[made]]])


def _inverse(row_of: _Ints, rows: int) -> _Ints:
    """Column of each row, -1 = none, from the row of each column."""
    column_of = np.full(rows, -1, np.int64)
    column_of[row_of] = np.arange(len(row_of))
    return column_of


def _hungarian(cost: npt.NDArray[np.float64]) -> _Ints:
    """Column of each row `[N]` at least cost `[N,M]`, N <= M: shortest augmenting paths (Jonker, Volgenant 1987)."""
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1, np.int64)
    for row in range(rows):
        distance = np.full(columns, np.inf)
        before = np.full(columns, -1, np.int64)  # column that the shortest path to a column comes from; -1 = `row`
        done = np.zeros(columns, np.bool_)
        here, at, reached = row, -1, 0.0
        while True:
            offer = reached + cost[here] - row_price[here] - column_price
            shorter = ~done & (offer < distance)
            distance[shorter], before[shorter] = offer[shorter], at
            at = int(np.where(done, np.inf, distance).argmin())
            reached = float(distance[at])
            if row_of[at] < 0:
                break
            done[at] = True
            here = int(row_of[at])
        slack = reached - distance[done]
        row_price[row] += reached
        row_price[row_of[done]] += slack
        column_price[done] -= slack
        while at >= 0:  # hand every column on the path to the row before it
            previous = int(before[at])
            row_of[at] = row if previous < 0 else row_of[previous]
            at = previous
    column_of = np.empty(rows, np.int64)
    taken = np.flatnonzero(row_of >= 0)
    column_of[row_of[taken]] = taken
    return column_of
