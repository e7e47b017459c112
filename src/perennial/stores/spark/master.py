"""Which Spark a setting names."""

from __future__ import annotations

import re
from urllib.parse import unquote

ATTEMPTS = 3
"""So often a part is tried, each time on another machine where there is one."""

_HERE = re.compile(r"local(\[(?P<cores>\*|\d+)(,\d+)?\])?")
_SCHEMES = ("spark://", "k8s://", "local-cluster[")
_CONNECTION = re.compile(r"spark://(?P<kind>k8s://)?([^@/]*@)?(?P<place>(https?://)?[^/?]*)")
"""What Airflow makes of a Spark connection: its host, partly quoted; a login before it; a port, a schema and extras behind it."""


def is_master(setting: str) -> bool:
    """Return whether *setting* is a master itself; else it is the name of a connection.

    Examples:
        >>> [is_master(one) for one in ("local[2]", "spark://host:7077", "yarn", "spark_default", "yarn_night")]
        [True, True, True, False, False]
    """
    return setting == "yarn" or _HERE.fullmatch(setting) is not None or setting.startswith(_SCHEMES)


def is_here(master: str) -> bool:
    """Return whether *master* is a Spark of this machine only."""
    return master.startswith("local")


def master_of(url: str) -> str:
    """Return the master that a connection's *url* means, in each of the ways in which Airflow writes a Spark connection.

    Examples:
        >>> master_of("spark://spark%3A%2F%2Fhost:7077"), master_of("spark://host:7077/?queue=night")
        ('spark://host:7077', 'spark://host:7077')
        >>> master_of("spark://local%5B2%5D"), master_of("spark://yarn"), master_of("local[2]")
        ('local[2]', 'yarn', 'local[2]')
        >>> master_of("spark://k8s://https%3A%2F%2Fhost:6443"), master_of("k8s://https://host:6443")
        ('k8s://https://host:6443', 'k8s://https://host:6443')
    """
    found = _CONNECTION.match(url)
    if found is None:
        return url if is_master(url) else f"spark://{url}"
    place = unquote(f"{found['kind'] or ''}{found['place']}")
    return place if is_master(place) else f"spark://{place}"


def with_attempts(master: str) -> str:
    """Return *master* such that a part is tried ``ATTEMPTS`` times; of a Spark within one process only its name can say so.

    Examples:
        >>> with_attempts("local[2]"), with_attempts("local"), with_attempts("spark://host:7077")
        ('local[2,3]', 'local[1,3]', 'spark://host:7077')
    """
    found = _HERE.fullmatch(master)
    return f"local[{found['cores'] or 1},{ATTEMPTS}]" if found else master
