"""
C{chatroom torture}: a server, its clients, everything that can go wrong, and whether what
was promised held.

It knows no more of the server than its protocol, its options and its log: what is stored
it learns as any client would, and once more from the file that the server has left.
docs/torture.md tells how to read what it prints.
"""
