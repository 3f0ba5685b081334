"""
What the server does a second, what that costs, and what it keeps when it is killed.

Run from a checkout: C{python -m benchmarks --help}. It needs Linux, the project
installed, and for pictures matplotlib. It talks to real processes of the server over
real sockets; F{README.md} says what each number means.
"""
