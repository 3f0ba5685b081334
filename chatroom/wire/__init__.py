"""
The protocol: its vocabulary, and how a message becomes a line and back.
"""
