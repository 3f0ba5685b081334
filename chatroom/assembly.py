"""
Where everything is put together: the one place that knows all the parts.

The command line, the tac file and a program that embeds the server all make the
same call::

    chat = assemble(Settings(database="sqlite:///chat.db"), reactor)
    strports.service("tcp:8888", ChatFactory(chat)).setServiceParent(chat)
    chat.setServiceParent(application)
"""

import os
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from chatroom.chat.accounts import QUESTIONS_A_REGISTRATION, Accounts
from chatroom.chat.administration import Administration
from chatroom.chat.alterations import Alterations
from chatroom.chat.disk import FILE_THREADS, Disk
from chatroom.chat.ephemera import Ephemera
from chatroom.chat.files import Files
from chatroom.chat.guesses import Guesses
from chatroom.chat.hub import Hub
from chatroom.chat.indexing import Indexing
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
from chatroom.chat.sending import NewNames, Quotas, random_names
from chatroom.chat.tidying import Tidying
from chatroom.chat.upkeep import Upkeep
from chatroom.chat.uploads import Uploads, chunk_bytes
from chatroom.clock import Now
from chatroom.server.admission import Admission
from chatroom.server.cork import Cork
from chatroom.server.heartbeats import Heartbeats
from chatroom.server.later import Later
from chatroom.server.service import ChatService
from chatroom.server.stalls import StallWatch
from chatroom.settings import Settings
from chatroom.store.backend import SEARCHERS
from chatroom.store.backends import folder_for, readers_for
from chatroom.store.database import Database
from chatroom.store.folder import Folder
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
    new_names: NewNames = random_names,
    system: Any = os,
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
    @param new_names: makes the names of uploads, likewise.
    @param system: what files are written with, as L{os}.
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
    indexing = Indexing(database, reactor)
    mutes = Mutes(database)
    observers = Observers()

    def publish(events: Sequence[Event]) -> None:
        replays.learn(events)
        ephemera.learn(events)
        upkeep.learn(events)
        indexing.learn(events)
        mutes.learn(events)
        files.tidying.learn(events)
        files.uploads.learn(events)
        hub.publish(events)
        observers.tell(events)

    cork = Cork()
    log = Log(database, reactor, now, publish, cork)
    files = _files(settings, reactor, now, make, database, log, new_names, system)
    wrong_tokens = Guesses(reactor, settings.login_tries * WRONG_TOKENS_A_TRY)
    chat = ChatService(
        settings=settings,
        cork=cork,
        later=Later(reactor, cork),
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
        indexing=indexing,
        upkeep=upkeep,
        admission=Admission(settings, reactor),
        messages=Messages(database, log),
        files=files,
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


def _files(
    settings: Settings,
    reactor: Any,
    now: Now,
    make: MakeLane,
    database: Database,
    log: Log,
    new_names: NewNames,
    system: Any,
) -> Files:
    path = folder_for(settings.database, settings.files)
    folder = None if path is None else Folder(path, system)
    disk = Disk(folder, make("chatroom-files", FILE_THREADS))
    quotas = Quotas(of_user=settings.user_files_bytes, of_all=settings.all_files_bytes)
    uploads = Uploads(
        disk, database, log, reactor, now, quotas, new_names, chunk_bytes(settings.line_bytes)
    )
    tidying = Tidying(disk, database, uploads, reactor, now)
    return Files(disk, database, uploads, tidying, settings.file_bytes)


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
