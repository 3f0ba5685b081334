"""
Every event that an operator may find in the log: a row each.

A new event is a row here, one in docs/logs.md, and a line where it happens::

    self._log.note("login_failed", user=name, address=peer, reason="busy")

Its fields are those of its sentence. Each of them may come from a peer: how it is
shown is no concern of the sentence (see L{chatroom.logs.values}), but that
C{:bare} leaves out the quotation marks, for texts of our own.

An event that a peer or a broken database can bring about as often as it likes is
bounded by C{most}, and a secret is in none.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from attrs import field, frozen
from twisted.logger import LogLevel

#: The time that C{most} is about, in seconds.
WINDOW = 10.0

#: How many of one kind are written in that time: of those that an audit counts, of
#: those that tell of a fault, and of what is logged by others than us.
AUDIT = 100
FAULT = 10
OTHERS = 200

#: How many of them one address may bring about, lest it hide what others do.
SHARE = 10

#: Those that cost whoever brings them about a password's hash, or more: as many as
#: there can be, about.
HARD_WON = 1000


@frozen
class Kind:
    """
    What is known of all events of one name.

    @ivar name: stable, for programs.
    @ivar format: the sentence for people, with the fields.
    @ivar meaning: when it happens.
    @ivar most: how many are written in L{WINDOW} seconds; C{None} is all of them.
    @ivar has_traceback: whether it comes with an exception.
    """

    name: str
    level: Any
    format: str
    meaning: str
    most: int | None = field(default=None, kw_only=True)
    has_traceback: bool = field(default=False, kw_only=True)
    fields: tuple[str, ...] = field(init=False)

    @fields.default
    def _fields(self) -> tuple[str, ...]:
        return tuple(name for _, name, _, _ in Formatter().parse(self.format) if name)


def _table(*kinds: Kind) -> Mapping[str, Kind]:
    return {kind.name: kind for kind in kinds}


#: All kinds, by name.
KINDS = _table(
    # The life of the server
    Kind("serving", LogLevel.info, "serving {database}", "the server is open"),
    Kind("cannot_start", LogLevel.critical, "cannot start: {why:bare}", "a start has failed"),
    Kind(
        "no_admin_socket",
        LogLevel.warn,
        "commands of the operator cannot reach this server: {why:bare}",
        "the socket beside the database could not be made; the server runs all the same",
    ),
    Kind(
        "requests_unfinished",
        LogLevel.warn,
        "what was under way did not finish in time",
        "a stop waits no longer for requests",
    ),
    Kind(
        "log_unfinished",
        LogLevel.error,
        "the log did not finish in time; what is left was not acknowledged",
        "a stop waits no longer for the database",
    ),
    Kind(
        "sessions_left",
        LogLevel.warn,
        "{count} sessions did not end in time",
        "a stop waits no longer for connections",
    ),
    Kind("stopped", LogLevel.info, "stopped", "the server has stopped"),
    # Who speaks
    Kind(
        "registered",
        LogLevel.info,
        "{user} registered from {address}",
        "an account was made",
        most=HARD_WON,
    ),
    Kind(
        "registration_failed",
        LogLevel.info,
        "registration of {user} from {address} failed: {reason}",
        "an account was refused",
        most=AUDIT,
    ),
    Kind(
        "logged_in",
        LogLevel.info,
        "{user} logged in from {address}",
        "a login succeeded",
        most=HARD_WON,
    ),
    Kind(
        "login_failed",
        LogLevel.info,
        "login of {user} from {address} failed: {reason}",
        "a login was refused",
        most=AUDIT,
    ),
    Kind(
        "logged_out",
        LogLevel.info,
        "{user} logged out from {address}",
        "a user asked to be logged out",
        most=AUDIT,
    ),
    Kind(
        "password_changed",
        LogLevel.info,
        "{user} changed the password from {address}",
        "a user has another password; their other sessions have ended",
        most=HARD_WON,
    ),
    Kind(
        "password_change_failed",
        LogLevel.info,
        "change of the password of {user} from {address} failed: {reason}",
        "a change of a password was refused",
        most=AUDIT,
    ),
    Kind(
        "session_revoked",
        LogLevel.info,
        "{user} revoked a session from {address}",
        "a user has ended one of their logins, and its connections",
        most=AUDIT,
    ),
    # Connections
    Kind(
        "connection_refused",
        LogLevel.warn,
        "refused a connection from {address}: {reason}",
        "a connection was closed as soon as it came",
        most=FAULT,
    ),
    Kind(
        "cut_off",
        LogLevel.info,
        "cut off {address}: {reason}",
        "the server ended a connection",
        most=AUDIT,
    ),
    # Faults
    Kind(
        "request_failed",
        LogLevel.error,
        "{type} from {address} failed",
        "a bug: the peer was told 1009",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "database_failed",
        LogLevel.error,
        "the database failed: {reason:bare}",
        "a transaction was not stored",
        most=FAULT,
    ),
    Kind(
        "commit_unknown",
        LogLevel.error,
        "what a commit has left is not known yet: {reason:bare}",
        "nothing is written until the database answers",
        most=FAULT,
    ),
    Kind(
        "change_failed",
        LogLevel.error,
        "a change of the log failed",
        "the database refused what one request was to write",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "guard_failed",
        LogLevel.error,
        "guard of {kind} failed",
        "a guard of the program that embeds the server raised: the peer was told 1009",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "observer_failed",
        LogLevel.error,
        "observer of {kind} failed",
        "an observer of the program that embeds the server raised; nobody else is harmed",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "publishing_failed",
        LogLevel.error,
        "publishing failed",
        "a bug: what was stored was not pushed",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "turn_failed",
        LogLevel.error,
        "a session was left out of a turn",
        "a bug: it goes on with what it is sent next",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "log_stumbled",
        LogLevel.error,
        "the log stumbled",
        "a bug: a commit has no outcome",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "following_failed",
        LogLevel.error,
        "the log could not be read for somebody who follows it",
        "a bug: it is tried again",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "upkeep_failed",
        LogLevel.error,
        "looking after the database failed",
        "a bug: retention waits a minute",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "indexing_failed",
        LogLevel.error,
        "putting messages into the index of words failed",
        "a bug: it is tried again in a minute; until then searches take longer",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "file_failed",
        LogLevel.error,
        "a file could not be read or written: {reason:bare}",
        "the disk of the files failed, or is full",
        most=FAULT,
    ),
    Kind(
        "file_damaged",
        LogLevel.error,
        "the file {file} is damaged: {reason}",
        "a file is gone from the disk, or cut, though it is not deleted",
        most=FAULT,
    ),
    Kind(
        "files_lost",
        LogLevel.error,
        "{count} files are gone",
        "files are not on the disk though they are not deleted",
        most=FAULT,
    ),
    Kind(
        "file_stumbled",
        LogLevel.error,
        "a file on its way stumbled",
        "a bug: the peer was told 1009",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "tidying_failed",
        LogLevel.error,
        "looking after the files failed",
        "a bug: it is tried again after a minute",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "hashing_failed",
        LogLevel.error,
        "hashing does not work",
        "nobody can log in",
        most=FAULT,
        has_traceback=True,
    ),
    Kind(
        "hash_not_kept",
        LogLevel.warn,
        "the hash of {user} stays: {reason:bare}",
        "a dated hash could not be replaced; the next login tries again",
        most=FAULT,
    ),
    Kind(
        "stalled",
        LogLevel.warn,
        "nothing went on for {milliseconds} ms: {cause:bare}",
        "the reactor was held up",
        most=FAULT,
    ),
    # Who may do what
    Kind(
        "moderated",
        LogLevel.info,
        "{user} did {deed} {other} in the room {room}",
        "somebody changed what another may do in a room",
        most=AUDIT,
    ),
    Kind(
        "administered",
        LogLevel.info,
        "{user} did {deed} {other}",
        "an administrator, or the operator, has changed an account",
        most=AUDIT,
    ),
    Kind(
        "room_deleted",
        LogLevel.info,
        "{user} deleted the room {room}",
        "a room is nobody's any more; what was said in it is being erased",
        most=AUDIT,
    ),
    # What is kept
    Kind(
        "log_cut",
        LogLevel.info,
        "cut {count} events off the logs of {rooms} rooms",
        "what was older, or more, than is to be kept was removed",
        most=FAULT,
    ),
    Kind(
        "room_erased",
        LogLevel.info,
        "erased the room {room}",
        "nothing is left of a room that was deleted",
        most=AUDIT,
    ),
    Kind(
        "strays_removed",
        LogLevel.info,
        "removed {count} files that nobody knows of",
        "a crash, or somebody else, had left them in the folder",
        most=FAULT,
    ),
    # The log itself
    Kind(
        "left_out",
        LogLevel.warn,
        "… and {count} more {of} in {seconds} s",
        "events of one name were too many, and only counted",
    ),
    Kind(
        "lines_lost",
        LogLevel.error,
        "{count} lines could not be written",
        "the log's own file or disk failed, and works again",
    ),
)
