"""
The operator's commands: each of them, with a server that runs and without one.
"""

import io
import json
import os
import re
import sqlite3
import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chatroom.admin import secret
from chatroom.admin.command import SUBCOMMANDS
from chatroom.admin.exits import DONE, INTERRUPTED, REFUSED, UNREACHABLE, USAGE, Failed
from chatroom.admin.people import SESSIONS, USERS
from chatroom.admin.places import BANS, ROOMS
from chatroom.admin.shown import table, visible
from chatroom.store.models import PUBLIC_ROOM_ID
from tests.desks import Shell, Shown, new_clock, usage_status
from tests.pages import DOCS, sections
from tests.peers import Message, Peer, login, request
from tests.servers import memory_server, new_file
from tests.stores import OnPostgreSQL, OnSQLite

#: Of the chapter about them.
HEADING = "From a shell"


class CommandTests(OnSQLite):
    """
    A server with alice, who owns the room Den, and bob, who is in it; carol may not be.
    """

    def setUp(self) -> Any:
        """
        Have it.
        """
        super().setUp()
        self.url = self.new_url()
        self.server = memory_server(self, url=self.url, language="en")
        self.people = {name: self.enter(name) for name in ("alice", "bob", "carol")}
        ask = self.ask
        ask("alice", "create_chat_request", chat_name="Den", member_usernames=["bob"])
        ask("alice", "ban_request", chat_group_id=2, username="carol")

    def enter(self, name: str) -> Peer:
        """
        @return: somebody who has an account, and is here.
        """
        peer = self.server.connect()
        account = {"username": name, "password": "secret123"}
        peer.send(request("register_request", **account), request("login_request", **account))
        self.successResultOf(peer.receive_some(2))
        self.server.pass_time(1)
        return peer

    def ask(self, name: str, kind: str, **keys: Any) -> Message:
        """
        @return: what somebody is answered.
        """
        self.people[name].send(request(kind, request_id="x", **keys))
        self.server.pass_time(1)
        answer: Message = self.successResultOf(self.people[name].until_named("x"))[-1]
        return answer

    def shell(self, *, is_running: bool) -> Shell:
        """
        @return: where commands are given.
        """
        if is_running:
            return Shell(self, self.url, self.server.clock, self.server.chat)
        if self.server.chat.is_open:
            self.successResultOf(self.server.stop())
        return Shell(self, self.url, new_clock())

    def done(self, shown: Shown) -> Any:
        """
        @return: what a command has shown as JSON.
        """
        self.assertEqual((shown.status, shown.error), (DONE, ""))
        return [json.loads(line) for line in shown.lines]

    def check_lists(self, shell: Shell) -> None:
        """
        Each list has what there is, and always the same keys.
        """
        users = self.done(shell.run("users", "list", "--json"))
        self.assertEqual([each["username"] for each in users], ["alice", "bob", "carol"])
        keys = "user_id username created_at is_administrator is_disabled is_deleted session_count"
        self.assertEqual(list(users[0]), keys.split())
        public, den = self.done(shell.run("rooms", "list", "--json"))
        self.assertEqual((den["chat_name"], den["owners"]), ("Den", ["alice"]))
        keys = "chat_group_id chat_name visibility member_count owners created_at"
        self.assertEqual(list(public), keys.split())
        [info] = self.done(shell.run("rooms", "info", "den", "--json"))
        self.assertEqual([each["username"] for each in info["members"]], ["alice", "bob"])
        self.assertEqual([each["username"] for each in info["bans"]], ["carol"])
        [ban] = self.done(shell.run("bans", "list", "--json"))
        self.assertEqual(
            ban,
            {
                "chat_group_id": 2,
                "chat_name": "Den",
                "user_id": 3,
                "username": "carol",
                "banned_until": None,
            },
        )
        self.assertEqual(self.done(shell.run("bans", "list", "public", "--json")), [])
        [entry] = self.done(shell.run("audit", "--limit", "1", "--json"))
        self.assertEqual((entry["by"], entry["action"]), ("alice", "ban_request"))
        lines = shell.run("users", "list").lines
        self.assertEqual(lines[0].split(), ["ID", "NAME", "STATE", "ROLE", "SESSIONS", "CREATED"])
        self.assertIn("alice", lines[1])

    def test_lists(self) -> None:
        """
        A server that runs shows what there is.
        """
        self.check_lists(self.shell(is_running=True))

    def test_lists_without(self) -> None:
        """
        So does the database alone.
        """
        self.check_lists(self.shell(is_running=False))

    def check_users(self, shell: Shell) -> None:
        """
        Accounts are made and changed.
        """
        done = self.done(shell.run("users", "add", "dora", "--json", typed="secret456\n"))
        self.assertEqual(done, [{"user_id": 4, "username": "dora"}])
        again = shell.run("users", "add", "DORA", typed="secret456\n")
        self.assertEqual((again.status, again.lines), (REFUSED, []))
        self.assertIn("username_taken", again.error)
        [made] = self.done(shell.run("users", "make-administrator", "alice", "--json"))
        keys = "user_id username is_administrator is_disabled ended_count"
        self.assertEqual(list(made), keys.split())
        self.assertIs(made["is_administrator"], True)
        [made] = self.done(shell.run("users", "revoke-administrator", "alice", "--json"))
        self.assertIs(made["is_administrator"], False)
        why = ("--reason", "Away.", "--json")
        self.assertIs(
            self.done(shell.run("users", "disable", "bob", *why))[0]["is_disabled"], True
        )
        self.assertIs(
            self.done(shell.run("users", "enable", "bob", *why))[0]["is_disabled"], False
        )
        reset = shell.run("users", "reset-password", "bob", typed="secret789\n")
        self.assertEqual(reset.lines, ["reset the password of bob, user 2"])
        self.assertEqual(
            shell.run("sessions", "end", "bob").lines, ["ended the sessions of bob, user 2"]
        )
        refused = shell.run("users", "delete", "carol")
        self.assertEqual((refused.status, refused.lines), (USAGE, []))
        self.assertEqual(
            shell.run("users", "delete", "carol", "--yes").lines, ["deleted carol, user 3"]
        )
        states = [line.split()[2] for line in shell.run("users", "list").lines[1:]]
        self.assertEqual(states, ["enabled", "enabled", "deleted", "enabled"])
        audit = self.done(shell.run("audit", "--limit", "0", "--json"))
        self.assertEqual({each["by"] for each in audit[:8]}, {None})
        self.assertEqual(
            [each["action"].removesuffix("_request") for each in audit[:8]],
            [
                "delete_user",
                "end_sessions",
                "reset_password",
                "enable_user",
                "disable_user",
                "set_administrator",
                "set_administrator",
                "add_user",
            ],
        )
        self.assertNotIn("secret", str(audit))

    def test_users(self) -> None:
        """
        Through a server that runs, people who are here are sent away at once.
        """
        self.check_users(self.shell(is_running=True))
        self.server.pass_time(4)
        self.assertEqual(
            [self.people[name].wire.is_closed for name in ("alice", "bob", "carol")],
            [False, True, True],
        )
        newest = self.server.connect()
        for name, password in (("dora", "secret456"), ("bob", "secret789")):
            newest.send(login(name, password), request("logout_request"))
            self.server.pass_time(1)
            self.assertIs(self.successResultOf(newest.receive_some(2))[0]["success"], True)

    def test_users_without(self) -> None:
        """
        Without one it holds when there is one again.
        """
        self.check_users(self.shell(is_running=False))
        server = memory_server(self, url=self.url)
        answer = self.successResultOf(server.connect().ask(login("dora", "secret456")))
        self.assertIs(answer["success"], True)

    def check_rooms(self, shell: Shell) -> None:
        """
        Rooms have other owners, and come to an end.
        """
        refused = shell.run("rooms", "transfer", "Den", "carol")
        self.assertEqual(refused.status, REFUSED)
        self.assertIn("member_not_found", refused.error)
        self.assertEqual(
            shell.run("rooms", "transfer", "DEN", "bob").lines, ["bob is the owner now of room 2"]
        )
        self.assertEqual(
            self.done(shell.run("rooms", "transfer", "2", "bob", "--json")),
            [{"chat_group_id": 2, "user_id": 2, "username": "bob", "duplicate": True}],
        )
        members = self.done(shell.run("rooms", "info", "2", "--json"))[0]["members"]
        self.assertEqual([each["role"] for each in members], ["member", "owner"])
        self.assertEqual(
            shell.run("bans", "lift", "Den", "carol").lines, ["carol is free again in room 2"]
        )
        self.assertEqual(self.done(shell.run("bans", "list", "--json")), [])
        self.assertEqual(shell.run("rooms", "delete", "Den").status, USAGE)
        self.assertEqual(
            shell.run("rooms", "delete", "Den", "--yes").lines, ["deleted Den, room 2"]
        )
        gone = shell.run("rooms", "delete", "Den", "--yes")
        self.assertEqual(gone.status, REFUSED)
        self.assertIn("there is no room Den", gone.error)
        self.assertEqual(shell.run("rooms", "delete", "public", "--yes").status, REFUSED)
        audit = self.done(shell.run("audit", "--json", "--room", "2"))
        self.assertEqual([each["by"] for each in audit[:4]], [None] * 4)
        self.assertEqual(audit[0]["reason"], "By the operator.")

    def test_rooms(self) -> None:
        """
        Through a server that runs, the people in a room are told.
        """
        for peer in self.people.values():
            peer.heard.clear()
        self.check_rooms(self.shell(is_running=True))
        self.server.pass_time(1)
        said = [each.get("content") for each in self.people["bob"].heard]
        self.assertEqual(len(said), 4)
        self.assertEqual(said[:2], ["bob owns Den now", "alice is an ordinary member of Den now"])

    def test_rooms_without(self) -> None:
        """
        The same without one.
        """
        self.check_rooms(self.shell(is_running=False))

    def test_empty_room(self) -> None:
        """
        A room that nobody is in any more can be deleted.
        """
        for name in ("bob", "alice"):
            self.ask(name, "leave_chat_request", chat_group_id=2)
        shell = self.shell(is_running=True)
        self.assertEqual(shell.run("rooms", "delete", "2", "--yes").status, DONE)

    def test_private_chat(self) -> None:
        """
        A private chat is nobody else's, not even the operator's.
        """
        made = self.ask("alice", "private_chat_request", username="bob")
        shell, room = self.shell(is_running=True), str(made["chat_group_id"])
        for words in (("info", room), ("delete", room, "--yes"), ("transfer", room, "bob")):
            shown = shell.run("rooms", *words)
            self.assertEqual(shown.status, REFUSED)
            self.assertIn("chat_not_found", shown.error)

    def test_sessions(self) -> None:
        """
        Logins with a token and without one, who is here and who is not.
        """
        here, gone = self.server.connect(), self.server.connect()
        for peer, device in ((here, "desk"), (gone, "\x1b[2Jphone")):
            peer.send(request("hello_request", protocol=1, client="cli", device=device))
            peer.send(login("alice"))
            self.server.pass_time(1)
        gone.wire.abort()
        self.server.pass_time(1)
        shell = self.shell(is_running=True)
        some = self.done(shell.run("sessions", "list", "--json"))
        keys = "session_id user_id username client device created_at last_used_at expires_at"
        self.assertEqual(list(some[0]), [*keys.split(), "addresses"])
        self.assertEqual(
            [(each["session_id"], each["username"], each["addresses"]) for each in some],
            [
                (1, "alice", ["local"]),
                (2, "alice", []),
                (None, "alice", ["local"]),
                (None, "bob", ["local"]),
                (None, "carol", ["local"]),
            ],
        )
        self.assertEqual(len(self.done(shell.run("sessions", "list", "BOB", "--json"))), 1)
        text = "\n".join(shell.run("sessions", "list").lines)
        self.assertIn("\\x1b[2Jphone", text)
        self.assertNotIn("\x1b", text)
        self.assertEqual(
            shell.run("sessions", "end", "alice").lines,
            ["ended the sessions of alice, user 1; ended 2 logins"],
        )
        unknown = shell.run("sessions", "list", "nobody")
        self.assertEqual(unknown.status, REFUSED)
        self.assertIn("user_not_found", unknown.error)
        stopped = self.shell(is_running=False)
        self.assertEqual(self.done(stopped.run("sessions", "list", "--json")), [])

    def test_pages(self) -> None:
        """
        What is more than one answer has is shown all the same, each once.
        """
        shell = self.shell(is_running=True)
        for number in range(105):
            self.assertEqual(
                shell.run("users", "add", f"user{number}", typed="secret123").status, DONE
            )
        users = self.done(shell.run("users", "list", "--json"))
        self.assertEqual([each["user_id"] for each in users], list(range(1, 109)))
        for count, wish in ((106, "0"), (103, "103"), (100, "100")):
            audit = self.done(shell.run("audit", "--json", "--limit", wish))
            self.assertEqual(len({each["entry_id"] for each in audit}), count)
        for number in range(105):
            self.server.pass_time(1)
            self.ask("alice", "ban_request", chat_group_id=2, username=f"user{number}")
        bans = self.done(shell.run("bans", "list", "--json"))
        self.assertEqual([each["user_id"] for each in bans], list(range(3, 109)))

    def test_no_limits(self) -> None:
        """
        Where registration is closed, and nobody may be anonymous for long, the operator may.
        """
        self.successResultOf(self.server.stop())
        self.server = memory_server(
            self,
            url=self.url,
            registration="closed",
            anonymous_connections=1,
            login_seconds=1,
            post_burst=1,
            post_rate=0.001,
            registrations_per_hour=1,
        )
        shell = self.shell(is_running=True)
        operator = self.server.connect_operator()
        for name in ("dora", "emil", "fritz"):
            self.assertEqual(shell.run("users", "add", name, typed="secret123").status, DONE)
        self.server.pass_time(60)
        answer = self.successResultOf(operator.ask(request("list_accounts_request")))
        self.assertEqual(answer["message_type"], "list_accounts_response")
        for username in ("alice", "bob", "alice"):
            keys = {"chat_group_id": 2, "username": username}
            answer = self.successResultOf(operator.ask(request("transfer_chat_request", **keys)))
            self.assertEqual(answer["message_type"], "transfer_chat_response")

    def test_gone_owner(self) -> None:
        """
        A room is not given to somebody who may not log in.
        """
        shell = self.shell(is_running=True)
        shell.run("users", "disable", "bob")
        shown = shell.run("rooms", "transfer", "Den", "bob")
        self.assertEqual(shown.status, REFUSED)
        self.assertIn("user_not_found", shown.error)

    def test_public_room(self) -> None:
        """
        The room of everybody has no owner that it could be given to.
        """
        shown = self.shell(is_running=True).run("rooms", "transfer", str(PUBLIC_ROOM_ID), "bob")
        self.assertEqual(shown.status, REFUSED)


class CommandOnPostgreSQLTests(OnPostgreSQL, CommandTests):
    """
    The same with PostgreSQL.
    """

    def test_no_database(self) -> None:
        """
        In a database where no server has been, no tables are made.
        """
        url = self.new_empty_url()
        for _ in range(2):
            shown = Shell(self, url, new_clock()).run("users", "list")
            self.assertEqual((shown.status, shown.lines), (UNREACHABLE, []))
            self.assertIn("no server has made its tables", shown.error)


class EndTests(SynchronousTestCase):
    """
    What a command ends with.
    """

    def test_no_database(self) -> None:
        """
        A database that is not there is not made.
        """
        url = new_file(self)
        shell = Shell(self, url, new_clock())
        for words in (("users", "list"), ("users", "add", "alice")):
            shown = shell.run(*words, typed="secret123\n")
            self.assertEqual((shown.status, shown.lines), (UNREACHABLE, []))
            self.assertIn("there is no database", shown.error)
        self.assertFalse(os.path.exists(url.removeprefix("sqlite:///")))

    def test_in_use(self) -> None:
        """
        Where somebody has the database and listens nowhere, one waits for a while, and
        says so.
        """
        url = new_file(self)
        server = memory_server(self, url=url)
        shell = Shell(self, url, new_clock())
        shown = shell.run("users", "list")
        self.assertEqual(shown.status, UNREACHABLE)
        self.assertIn("another server is using this database", shown.error)
        self.assertIn("--admin-socket", shown.error)
        self.successResultOf(server.stop())
        self.assertEqual(shell.run("users", "list").status, DONE)

    def test_environment(self) -> None:
        """
        What the server's environment chooses holds for a command, too.
        """
        url = new_file(self)
        server = memory_server(self, url=url)
        self.successResultOf(server.stop())
        environment = {"CHATROOM_PASSWORD_CHARS": "12"}
        shell = Shell(self, url, new_clock(), environment=environment)
        refused = shell.run("users", "add", "alice", typed="secret123\n")
        self.assertIn("12 to 1024 characters", refused.error)

    def test_usage(self) -> None:
        """
        What is mistyped is one line, and status 2.
        """
        for words in (
            (),
            ("users",),
            ("users", "frob"),
            ("users", "add"),
            ("audit", "--limit", "-1"),
            ("audit", "--limit", "some"),
            ("rooms", "list", "extra"),
            ("users", "add", "alice", "--password", "x"),
        ):
            error = io.StringIO()
            self.patch(sys, "stderr", error)
            self.assertEqual(usage_status(*words), USAGE, words)
            self.assertEqual(error.getvalue().count("\n"), 1, words)

    def test_password(self) -> None:
        """
        Without a password nothing begins.
        """
        shell = Shell(self, new_file(self), new_clock())
        for typed in ("", "\n"):
            shown = shell.run("users", "add", "alice", typed=typed)
            self.assertEqual(shown.status, USAGE)
            self.assertIn("there is no password", shown.error)

    def test_page(self) -> None:
        """
        docs/operating.md has every command, and every status that one ends with.
        """
        [page] = [each for each in sections(DOCS / "operating.md") if each.heading == HEADING]
        commands, statuses = page.tables
        told = {
            " ".join(each.split()[:2]) if " " in each else each
            for row in commands
            for each in re.findall("`([^`-][^`]*)`", row[0])
        }
        known = {
            f"{group} {name}"
            for group, tasks in (("users", USERS), ("rooms", ROOMS), ("bans", BANS))
            for name in tasks
        }
        known |= {f"sessions {name}" for name in SESSIONS} | {"audit", "check", "export"}
        known |= {"backup FILE", "import FILE"}
        self.assertEqual(told, known)
        self.assertEqual({each.partition(" ")[0] for each in told}, set(SUBCOMMANDS))
        every = (DONE, REFUSED, USAGE, UNREACHABLE, INTERRUPTED)
        self.assertEqual([int(row[0]) for row in statuses], list(every))


class _Terminal(io.StringIO):
    """
    Standard input that is a terminal.
    """

    def isatty(self) -> bool:
        return True


class TerminalTests(SynchronousTestCase):
    """
    What somebody at a terminal is asked.
    """

    def test_password(self) -> None:
        """
        A password is asked for twice, and has to be the same.
        """
        self.patch(sys, "stdin", _Terminal())
        answers = ["one secret", "one secret", "one secret", "another"]
        self.patch(secret, "getpass", lambda _: answers.pop(0))
        self.assertEqual(secret.read_password(), "one secret")
        failed = self.assertRaises(Failed, secret.read_password)
        self.assertEqual((failed.status, answers), (USAGE, []))

    def test_sure(self) -> None:
        """
        What can't be undone needs a yes.
        """
        for typed, is_done in (("y\n", True), ("YES\n", True), ("n\n", False), ("", False)):
            asked = io.StringIO()
            self.patch(sys, "stdin", _Terminal(typed))
            self.patch(sys, "stderr", asked)
            if is_done:
                secret.confirm("Delete it?", is_sure=False)
            else:
                failed = self.assertRaises(Failed, secret.confirm, "Delete it?", is_sure=False)
                self.assertEqual(failed.status, USAGE)
            self.assertEqual(asked.getvalue(), "Delete it? [y/N] ")


class HostileTests(SynchronousTestCase):
    """
    A database that somebody else has written to.
    """

    def test_names(self) -> None:
        """
        No name and no reason does anything to a terminal, nor reorders a table.
        """
        url = new_file(self)
        server = memory_server(self, url=url)
        shell = Shell(self, url, server.clock, server.chat)
        shell.run("users", "add", "alice", typed="secret123\n")
        shell.run("users", "disable", "alice", "--reason", "\x1b[2J\u202e")
        self.successResultOf(server.stop())
        hostile = "\x1b]0;pwned\x07\u202e\n1  root"
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE users SET name = ?", (hostile,))
        shell = Shell(self, url, new_clock())
        listed = shell.run("users", "list").lines
        self.assertEqual(len(listed), 2)
        for line in [
            *listed,
            *shell.run("audit").lines,
            *shell.run("users", "list", "--json").lines,
        ]:
            self.assertTrue(line.isprintable(), line)
        refused = shell.run("users", "enable", hostile)
        self.assertEqual(refused.status, REFUSED)
        self.assertTrue(refused.error.rstrip("\n").isprintable(), refused.error)


class ShownTests(SynchronousTestCase):
    """
    Texts of others, on the operator's terminal.
    """

    def test_unseen(self) -> None:
        """
        What would do something, or can't be seen, is escaped; letters are not.
        """
        for text, shown in (
            ("alice", "alice"),
            ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
            ("two\nlines\r", "two\\nlines\\r"),
            ("\u202egnp.exe", "\\u202egnp.exe"),
            ("a\u2066b\u2069", "a\\u2066b\\u2069"),
            ("\u2028", "\\u2028"),
            ("zero\u200bwidth", "zero\\u200bwidth"),
            ("\x9b2J", "\\x9b2J"),
            ("\ud800", "\\ud800"),
            ("back\\x1b", "back\\\\x1b"),
            ("茶室 é", "茶室 é"),
            ("", "-"),
            (None, "-"),
            (True, "yes"),
            (7, "7"),
        ):
            self.assertEqual(visible(text), shown)

    def test_leftwards(self) -> None:
        """
        What is read from right to left has no say in where the others stand.
        """
        self.assertEqual(visible("שלום"), "\u2068שלום\u2069")

    def test_columns(self) -> None:
        """
        Columns are as wide as they look.
        """
        lines = table(
            ["ID", "NAME", "X"], [(1, "茶室", "a"), (22, "e\u0301", "b"), (3, "שלום", "c")]
        )
        self.assertEqual(
            lines,
            [
                "ID  NAME  X",
                "1   茶室  a",
                "22  e\u0301     b",
                "3   \u2068שלום\u2069  c",
            ],
        )
