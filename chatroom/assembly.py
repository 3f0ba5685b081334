"""
Where everything is put together: the one place that knows all the parts.

The command line, the tac file and a program that embeds the server all make the
same call::

    chat = assemble(Settings(database="sqlite:///chat.db"), reactor)
    strports.service("tcp:8888", ChatFactory(chat)).setServiceParent(chat)
    chat.setServiceParent(application)
"""

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from chatroom.chat.accounts import QUESTIONS_A_REGISTRATION, Accounts
from chatroom.chat.administration import Administration
from chatroom.chat.alterations import Alterations
from chatroom.chat.ephemera import Ephemera
from chatroom.chat.guesses import Guesses
from chatroom.chat.hub import Hub
from chatroom.chat.log import Log
from chatroom.chat.logins import WRONG_TOKENS_A_TRY, Logins, NewToken, random_token
from chatroom.chat.messages import Messages
from chatroom.chat.moderation import Moderation
from chatroom.chat.mutes import Mutes
from chatroom.chat.passwords import Cost, Passwords
from chatroom.chat.pushes import SeedPushes
from chatroom.chat.rates import Rate
from chatroom.chat.reading import Marks
from chatroom.chat.replays import Replays
from chatroom.chat.rooms import Rooms
from chatroom.chat.seams import Guards, Observers
from chatroom.chat.search import Search
from chatroom.chat.upkeep import Upkeep
from chatroom.clock import Now
from chatroom.server.admission import Admission
from chatroom.server.heartbeats import Heartbeats
from chatroom.server.service import ChatService
from chatroom.server.stalls import StallWatch
from chatroom.settings import Settings
from chatroom.store.backend import SEARCHERS
from chatroom.store.backends import readers_for
from chatroom.store.database import Database
from chatroom.store.models import Event
from chatroom.threads import Lane, ThreadLane

#: Makes a lane from its name and its number of threads.
MakeLane = Callable[[str, int], Lane]


def assemble(
    settings: Settings,
    reactor: Any,
    *,
    make_lane: MakeLane | None = None,
    cost: Cost | None = None,
    now: Now = time.time,
    chance: Random | None = None,
    new_token: NewToken = random_token,
) -> ChatService:
    """
    Make a chat server. Nothing is opened or started before C{startService}.

    @param reactor: provides L{twisted.internet.interfaces.IReactorTime}, and
        L{twisted.internet.interfaces.IReactorFromThreads} for the threads.
    @param make_lane: where blocking work goes, if not into threads.
    @param cost: what a password's hash costs; less than the default is for tests.
    @param now: the time that people read, in Unix seconds; it may jump.
    @param chance: spreads what should not happen all at once.
    @param new_token: makes the tokens of logins; other than random is for tests.
    """

    def threads(name: str, count: int) -> Lane:
        return ThreadLane(reactor, name, count)

    make = make_lane or threads
    database = _database(settings, make)
    passwords = _passwords(settings, make, cost or Cost())
    hub = Hub(database, SeedPushes(settings.language))
    ephemera = Ephemera(hub, reactor, now)
    hub.watchers.append(ephemera)
    replays = Replays(database, settings.content_chars)
    upkeep = Upkeep(database, reactor, now, settings)
    mutes = Mutes(database)
    observers = Observers()

    def publish(events: Sequence[Event]) -> None:
        replays.learn(events)
        upkeep.learn(events)
        mutes.learn(events)
        hub.publish(events)
        observers.tell(events)

    log = Log(database, reactor, now, publish)
    wrong_tokens = Guesses(reactor, settings.login_tries * WRONG_TOKENS_A_TRY)
    chat = ChatService(
        settings=settings,
        clock=reactor,
        now=now,
        accounts=_accounts(settings, reactor, now, database, passwords),
        logins=Logins(database, wrong_tokens, now, settings, new_token),
        rooms=Rooms(database, log, settings),
        moderation=Moderation(log, settings),
        alterations=Alterations(log),
        mutes=mutes,
        administration=Administration(database, log, passwords),
        log=log,
        hub=hub,
        posts=Rate(reactor, settings.post_burst, settings.post_rate),
        search=Search(database),
        searches=_searches(reactor, settings.search_rate),
        upkeep=upkeep,
        admission=Admission(settings, reactor),
        messages=Messages(database, log),
        replays=replays,
        marks=Marks(database, reactor),
        ephemera=ephemera,
        heartbeats=Heartbeats(reactor, settings.heartbeat_seconds),
        chance=chance or Random(),
        guards=Guards(database),
        observers=observers,
        database=database,
        passwords=passwords,
    )
    if settings.stall_log_milliseconds and make_lane is None:
        # Where there are no threads, no other thread can look.
        StallWatch(reactor, settings.stall_log_milliseconds / 1000).setServiceParent(chat)
    return chat


def _database(settings: Settings, make: MakeLane) -> Database:
    return Database(
        settings.database,
        make("chatroom-write", 1),
        make("chatroom-read", readers_for(settings.database)),
        make("chatroom-search", SEARCHERS),
    )


def _passwords(settings: Settings, make: MakeLane, cost: Cost) -> Passwords:
    lane = make("chatroom-hash", settings.hash_threads)
    return Passwords(lane, settings.password_chars, cost, at_once=settings.hash_threads)


def _accounts(
    settings: Settings, reactor: Any, now: Now, database: Database, passwords: Passwords
) -> Accounts:
    return Accounts(
        database,
        passwords,
        Guesses(reactor, settings.login_tries),
        _hourly(reactor, settings.registrations_per_hour),
        _hourly(reactor, settings.registrations_per_hour * QUESTIONS_A_REGISTRATION),
        now,
        is_open=settings.registration == "open",
    )


def _searches(reactor: Any, per_second: float) -> Rate:
    # At least one, however seldom.
    return Rate(reactor, max(1.0, 4 * per_second), per_second)


def _hourly(reactor: Any, count: int) -> Rate:
    return Rate(reactor, count, count / 3600)
