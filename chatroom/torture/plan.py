"""
What is to be done, and what everybody says: the same for the same seed.
"""

from enum import Enum
from random import Random

from attrs import frozen

#: What messages are made of. Not all of it is ASCII, and not all of it one code unit.
_WORDS = (
    "alpha",
    "bravo",
    "échec",
    "gült",
    "你好",
    "聊天室",
    "🙂",
    '"quoted"',
    "back\\slash",
    "@client-1",
)

#: With what people react.
REACTIONS = ("👍", "❤", "eyes")

PASSWORD = "not a secret here"


class Fault(Enum):
    """
    What can go wrong.

    @cvar KILL: the server is killed with SIGKILL, and started again.
    @cvar STOP: the server stands still, and goes on.
    @cvar CUT: connections are reset or closed.
    @cvar TEAR: connections are reset in the middle of what the server sends.
    @cvar STALL: nothing gets through in either direction, and later all of it does.
    @cvar HALF_OPEN: nothing gets through any more, and nobody is told.
    @cvar DELAY: everything takes longer.
    @cvar LOCK: another program has the database locked.
    @cvar FULL_DISK: no file of the server's can grow, or be written at all.
    @cvar CRASH: a client is killed, and started again with what its disk has.
    """

    KILL = "kill"
    STOP = "stop"
    CUT = "cut"
    TEAR = "tear"
    STALL = "stall"
    HALF_OPEN = "half-open"
    DELAY = "delay"
    LOCK = "lock"
    FULL_DISK = "full-disk"
    CRASH = "crash"


#: What needs an SQLite file on this machine.
OF_FILES = frozenset({Fault.LOCK, Fault.FULL_DISK})


@frozen(kw_only=True)
class Plan:
    """
    What somebody has asked for.

    @ivar clients: how many there are. Every fifth never posts, every third keeps its
        outbox on the disk, and each is in C{public} and in two other rooms.
    @ivar rooms: how many there are besides C{public}.
    @ivar kills: how often the server is killed.
    @ivar seconds: in how many seconds.
    @ivar rate: of each client, in posts a second.
    @ivar others: how many other faults there are for each kill.
    @ivar faults: which kinds there are.
    @ivar heartbeat: of the server, in seconds.
    @ivar patience: how long everything may take to be well again, in seconds.
    @ivar database: the URL of an empty one; C{None} is a new SQLite file.
    """

    seed: int
    clients: int = 50
    rooms: int = 5
    kills: int = 10
    seconds: float = 60.0
    rate: float = 1.0
    others: float = 4.0
    faults: frozenset[Fault] = frozenset(Fault)
    heartbeat: float = 2.0
    patience: float = 120.0
    database: str | None = None

    def chance(self, *purpose: object) -> Random:
        """
        @return: the chance of one purpose, which does not depend on that of others.
        """
        return Random("/".join(map(str, (self.seed, *purpose))))

    def rooms_of(self, client: int) -> frozenset[int]:
        """
        @return: the rooms of a client besides C{public}, as indices: two neighbours, so
            that rooms overlap.
        """
        return frozenset({client % self.rooms, (client + 1) % self.rooms})

    @property
    def onlookers(self) -> range:
        """
        The numbers of those who speak the seed dialect and only look: one for ten clients.
        """
        return range(self.clients, self.clients + max(1, self.clients // 10))

    def posts(self, client: int) -> bool:
        """
        @return: whether a client ever says anything; the others only follow.
        """
        return client % 5 != 4

    def is_on_disk(self, client: int) -> bool:
        """
        @return: whether a client's outbox is a file, so that it may crash.
        """
        return client % 3 == 0

    def text(self, client: int, number: int, version: int = 0) -> str:
        """
        @param version: 0 is what was posted, the others are what it was edited to.
        @return: what a client says; its name comes first.
        """
        chance = self.chance("text", client, number, version)
        words = " ".join(chance.choices(_WORDS, k=chance.choice((1, 4, 12, 80))))
        return f"{name_of(client, number)} {words}"


def name_of(client: int, number: int) -> str:
    """
    @return: the name of a message, which no other has.
    """
    return f"{client}-{number}"


def username(client: int) -> str:
    """
    @return: who a client is.
    """
    return f"client-{client}"
