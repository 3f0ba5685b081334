"""
Why a benchmark can't go on.
"""


class Trouble(SystemExit):
    """
    What keeps a benchmark from going on, in one line for whoever runs it.
    """
