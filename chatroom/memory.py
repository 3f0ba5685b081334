"""
When the collector of garbage runs: a matter of the whole process, and so of whoever owns
it.
"""

import gc

from twisted.internet.interfaces import IReactorCore

#: How many more objects there are than at the last look before there is another, and of
#: how many looks one takes in what has been there for longer.
THRESHOLDS = (50_000, 10, 10)


def collect_seldom(reactor: IReactorCore) -> None:
    """
    Look for garbage less often than Python does, which is a third of the time of a
    server that is busy: its posts come and go in thousands, and are no garbage. What is
    there when the reactor starts is there for good, and is not looked at any more.
    """

    def settle() -> None:
        gc.collect()
        gc.freeze()

    gc.set_threshold(*THRESHOLDS)
    reactor.callWhenRunning(settle)
