"""
The tests, for C{trial}: unit, behaviour over every transport, and real processes.
"""
