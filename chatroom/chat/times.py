"""
Times as the protocol writes them.
"""

from datetime import datetime, timedelta, timezone
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@lru_cache(maxsize=64)
def rfc3339(milliseconds: int) -> str:
    """
    @param milliseconds: since 1970, UTC.
    @return: such as C{2026-01-31T12:00:00.000Z}. (A commit has one time for all of it.)
    """
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
