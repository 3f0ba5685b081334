"""
Throw-away PostgreSQL servers, made from the binaries of this machine.

A cluster lives in a directory of its own, answers on a socket in there alone,
and is gone with the tests, however they end. It needs no rights; PostgreSQL
refuses to run as root, so there it runs as somebody who has none.

Where there is no PostgreSQL the tests that need it are skipped, unless
C{CHATROOM_TEST_POSTGRESQL=required} says that they must not be.
"""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from unittest import SkipTest

from attrs import define, field

#: Who makes databases, and whom they belong to.
ADMIN = "postgres"
OWNER = "chatroom"

#: Removes a cluster as soon as nobody holds the other end of its input: when the
#: tests are done, or have been killed.
_UNDERTAKER = 'read _; "$1/pg_ctl" -D "$2/data" -m immediate stop; rm -rf "$2"'

_INITDB = (
    "--encoding=UTF8",
    "--no-locale",
    "--auth=trust",
    f"--username={ADMIN}",
    "--no-sync",
    "--wal-segsize=1",
)

_SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "min_wal_size": "2MB",
    "max_wal_size": "64MB",
}


@cache
def _binaries() -> str | None:
    """
    @return: the directory of PostgreSQL's programs, which is seldom in the path.
    """
    found = shutil.which("initdb")
    if found is not None:
        return str(Path(found).resolve().parent)
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    return None if newest is None else str(newest.parent)


def need_postgresql() -> str:
    """
    @return: where its programs are.
    @raise SkipTest: if they are nowhere.
    """
    binaries = _binaries()
    if binaries is not None:
        return binaries
    if os.environ.get("CHATROOM_TEST_POSTGRESQL") == "required":
        raise AssertionError("CHATROOM_TEST_POSTGRESQL is required, but there is no PostgreSQL")
    raise SkipTest("PostgreSQL is not installed (Debian: apt install postgresql)")


def _memory() -> str | None:
    """
    @return: a directory in memory that is large enough, if there is one: a database
        is hundreds of files.
    """
    memory = "/dev/shm"
    is_there = os.access(memory, os.W_OK | os.X_OK)
    return memory if is_there and shutil.disk_usage(memory).free > 1 << 30 else None


@cache
def _identity() -> dict[str, Any]:
    """
    @return: for L{subprocess}, as whom PostgreSQL runs.
    """
    if os.geteuid() != 0:
        return {}
    names = {each.pw_name for each in pwd.getpwall()}
    entry = pwd.getpwnam(ADMIN if ADMIN in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@define(eq=False)
class Cluster:
    """
    A PostgreSQL server, with the databases in it.

    @ivar directory: its data, its log and its socket.
    """

    _binaries: str
    directory: Path
    _undertaker: "subprocess.Popen[bytes]"
    _numbers: "count[int]" = field(factory=count)

    @classmethod
    def make(cls, **settings: str) -> "Cluster":
        """
        Make one, and start it.

        @param settings: of C{postgresql.conf}.
        """
        binaries = need_postgresql()
        directory = Path(tempfile.mkdtemp(prefix="chatroom-pg-", dir=_memory()))
        command = ["sh", "-c", _UNDERTAKER, "sh", binaries, str(directory)]
        if _identity():
            os.chown(directory, _identity()["user"], _identity()["group"])
        undertaker = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            **_identity(),
        )
        cluster = cls(binaries, directory, undertaker)
        try:
            cluster._run("initdb", *_INITDB)
            chosen = {**_SETTINGS, "unix_socket_directories": f"'{directory}'", **settings}
            lines = [f"{key} = {value}\n" for key, value in chosen.items()]
            with open(directory / "data" / "postgresql.conf", "a") as file:
                file.writelines(lines)
            cluster.start()
        except BaseException:
            cluster.remove()
            raise
        cluster.execute(f"CREATE ROLE {OWNER} LOGIN")
        return cluster

    def remove(self) -> None:
        """
        End it, and leave nothing.
        """
        assert self._undertaker.stdin is not None
        self._undertaker.stdin.close()
        self._undertaker.wait()

    def start(self) -> None:
        """
        Start it, and wait until it answers.
        """
        self._run("pg_ctl", "--wait", f"--log={self.directory / 'log'}", "start")

    def stop(self) -> None:
        """
        Stop it as a power failure would: nobody is asked, nothing is finished.
        """
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def restart(self) -> None:
        """
        Stop it so, and start it again.
        """
        self.stop()
        self.start()

    def signal(self, process: int, number: int) -> None:
        """
        Send a signal to one of its processes.
        """
        self._do("kill", f"-{int(number)}", str(process))

    def limit_files(self, process: int, size: int | None) -> None:
        """
        Keep one of its processes from writing files larger than C{size}.
        """
        limit = "unlimited" if size is None else str(size)
        self._do("prlimit", f"--pid={process}", f"--fsize={limit}:unlimited")

    def _run(self, program: str, *arguments: str) -> None:
        data = f"--pgdata={self.directory / 'data'}"
        self._do(f"{self._binaries}/{program}", data, *arguments)

    def _do(self, *command: str) -> None:
        """
        Run a command as the cluster's user.
        """
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            timeout=60,
            env={**os.environ, "LC_ALL": "C"},
            **_identity(),
        )
        if done.returncode:
            raise AssertionError(f"{command} failed: {done.stdout.decode()}")

    def url(self, database: str) -> str:
        """
        @return: how the owner of a database reaches it.
        """
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.directory}"

    def connect(self, database: str = ADMIN, user: str = ADMIN) -> Any:
        """
        @return: a connection of another program's, without transactions of its own.
        """
        import psycopg

        return psycopg.connect(
            host=str(self.directory), user=user, dbname=database, autocommit=True
        )

    def execute(self, statement: str, database: str = ADMIN) -> list[tuple[Any, ...]]:
        """
        Be another program for the time of a statement, and one that may do anything.

        @return: the rows, if there are any.
        """
        with self.connect(database) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def new_database(self, **options: str) -> str:
        """
        Make an empty database.

        @return: its name.
        """
        name = f"chat{next(self._numbers)}"
        more = "".join(f" {key} {value}" for key, value in options.items())
        self.execute(f"CREATE DATABASE {name} OWNER {OWNER}{more}")
        return name

    def drop(self, database: str) -> None:
        """
        Leave nothing of a database, whoever is connected to it.
        """
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")


@cache
def shared_cluster() -> Cluster:
    """
    @return: the one for tests that do it no harm, made when it is first needed.
    """
    cluster = Cluster.make(full_page_writes="off")
    atexit.register(cluster.remove)
    return cluster
