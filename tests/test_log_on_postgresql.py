"""
The log, with a database of PostgreSQL.
"""

from tests import test_log
from tests.stores import OnPostgreSQL

for _suite in (
    test_log.CommitTests,
    test_log.OutcomeTests,
    test_log.OnceTests,
    test_log.FaultTests,
    test_log.EndTests,
    test_log.KilledTests,
):
    _body = {"__module__": __name__, "__doc__": _suite.__doc__}
    globals()[_suite.__name__] = type(_suite.__name__, (OnPostgreSQL, _suite), _body)
del _suite
