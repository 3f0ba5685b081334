"""
A chat server in one process and one file, for Twisted.

Embedding starts at L{chatroom.assembly.assemble}; programs that talk to a
server need only L{chatroom.wire.messages}.
"""

__version__ = "0.1.0"
