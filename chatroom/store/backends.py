"""
Which kind of database it is.
"""

from contextlib import suppress

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from chatroom.errors import StartError
from chatroom.store.backend import READERS, Backend
from chatroom.store.postgresql import PostgreSQL
from chatroom.store.sqlite import SQLite


def backend_for(text: str) -> Backend:
    """
    Read where a database is. Nothing is opened.

    @param text: a URL, such as C{sqlite:///chatroom.db}.
    @raise StartError: if it is no URL of a database that we can use.
    """
    url = _parse(text)
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return SQLite.accept(url, text)
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgreSQL.accept(url, without_password(text))
    raise StartError(
        f"databases of the kind {url.drivername} are not supported, "
        "sqlite and postgresql+psycopg are"
    )


def readers_for(text: str) -> int:
    """
    @param text: as for L{backend_for}.
    @return: how many threads should read at the same time.
    """
    return 1 if text.startswith("sqlite") else READERS


def folder_for(text: str, files: str) -> str | None:
    """
    @param text: as for L{backend_for}.
    @param files: a folder for files, C{beside} the database, or C{none}.
    @return: where files are kept; C{None} if none are.
    """
    if files not in ("beside", "none"):
        return files
    if files == "none" or not text.startswith("sqlite"):
        return None
    # What is wrong with the URL is told when the database is opened.
    with suppress(StartError):
        return f"{backend_for(text).name}.files"
    return None


def _parse(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # Of the error itself nothing is kept: it may quote a password.
        raise StartError(
            f"{without_password(text)!r} is not the URL of a database; "
            "one is sqlite:///chatroom.db"
        ) from None


def without_password(text: str) -> str:
    """
    @param text: what is, or was meant to be, the URL of a database.
    @return: what of it may be shown; for a file, all of it.
    """
    if text.startswith("sqlite") or not set("@?") & set(text):
        return text
    with suppress(ArgumentError, ValueError):
        url = make_url(text)
        # An @ in a host is one of a password that was not written as %40.
        if "@" not in (url.host or ""):
            return url.set(query={}).render_as_string()
    return text.partition("://")[0] + "://…" if "://" in text else "…"
