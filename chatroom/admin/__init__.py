"""
What the operator does to a chat from a shell, whether its server runs or not.
"""
