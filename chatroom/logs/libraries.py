"""
Libraries that log in a way of their own.
"""

import logging


def silence(*names: str) -> None:
    """
    Keep libraries from writing to standard error because nobody listens. A program
    that does listen, with Python's C{logging}, goes on to hear them.

    @param names: of their loggers.
    """
    for name in names:
        logging.getLogger(name).addHandler(logging.NullHandler())
