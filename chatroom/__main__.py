"""
C{python -m chatroom}: the same as C{twistd -n chatroom}.
"""

import sys

from twisted.scripts.twistd import run

if __name__ == "__main__":
    sys.argv[1:1] = ["--nodaemon", "--pidfile=", "chatroom"]
    run()
