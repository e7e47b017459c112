"""Features that are read off the clock and the calendar."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

_DAY = pd.Timedelta(days=1)
_SATURDAY = 5


def local_moments(event_at: pa.Array | pa.ChunkedArray, timezone: str) -> pd.DatetimeIndex:
    """Return each moment as it is told in *timezone*, an IANA name.

    Args:
        event_at: Shape (rows,), timestamps with a timezone.
        timezone: An IANA name.
    """
    return pd.DatetimeIndex(event_at.cast(pa.timestamp("us", "UTC")).to_pandas()).tz_convert(timezone)


def time_feature(name: str, local: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return one feature of each moment.

    Args:
        name: ``hour`` (0 to 23), ``weekday`` (0 is Monday), ``weekend`` (0 or 1), ``day_of_year`` (from 1), ``month`` (from 1),
            or ``elapsed_days`` (days since 1970-01-01 00:00 by the local clock, with the part of the day that has passed).
        local: Shape (rows,), as ``local_moments`` returns them.

    Returns:
        Shape (rows,), float64; missing where the moment is.
    """
    if name == "elapsed_days":
        return np.asarray((local.tz_localize(None) - pd.Timestamp(0)) / _DAY, dtype=np.float64)
    weekday = np.asarray(local.day_of_week, dtype=np.float64)
    if name == "weekend":
        return np.where(np.isnan(weekday), np.nan, (weekday >= _SATURDAY).astype(np.float64))
    return weekday if name == "weekday" else np.asarray(getattr(local, name), dtype=np.float64)
