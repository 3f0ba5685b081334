"""
Passwords, and the accounts that have them.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.passwords import Cost, Passwords
from chatroom.errors import (
    BadPassword,
    Busy,
    StoreUnavailable,
    UsernameTaken,
    WrongCredentials,
)
from chatroom.store.errors import CommitUncertain
from tests.lanes import InlineLane, SteppingLane
from tests.peers import PASSWORD
from tests.servers import CHEAP, MemoryServer, memory_server


class PasswordTests(SynchronousTestCase):
    """
    Hashing, in a lane that is stepped through.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        self.lane = SteppingLane()
        self.passwords = Passwords(self.lane, 6, CHEAP, most_waiting=3)

    def hash(self, password: str) -> "Deferred[str]":
        """
        Begin to hash.
        """
        return Deferred.fromCoroutine(self.passwords.hash(password))

    def hashed(self, password: str) -> str:
        """
        @return: the hash.
        """
        done = self.hash(password)
        self.lane.step_all()
        return self.successResultOf(done)

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """
        @return: whether it is the password.
        """
        done = Deferred.fromCoroutine(self.passwords.verify(password, password_hash))
        self.lane.step_all()
        return self.successResultOf(done).is_right

    def test_verify(self) -> None:
        """
        Only the password itself is right.
        """
        kept = self.hashed(PASSWORD)
        self.assertTrue(self.is_right(PASSWORD, kept))
        for wrong in ("", "secret124", PASSWORD + " ", "x" * 2000, "x" * 100_000):
            self.assertFalse(self.is_right(wrong, kept))

    def test_nobody(self) -> None:
        """
        No password is right where there is none, and it is checked all the same.
        """
        self.assertFalse(self.is_right(PASSWORD, None))

    def test_another_keyboard(self) -> None:
        """
        A password is the same however its characters are composed.
        """
        self.assertTrue(self.is_right("cafe\u0301 noir", self.hashed("caf\xe9 noir")))

    def test_the_longest(self) -> None:
        """
        All of a long password counts.
        """
        longest = "密" * 1024
        kept = self.hashed(longest)
        self.assertTrue(self.is_right(longest, kept))
        self.assertFalse(self.is_right(longest[:-1] + "x", kept))
        self.assertFalse(self.is_right(longest + "x", kept))

    def test_length(self) -> None:
        """
        A new password has neither too few characters nor too many.
        """
        for good in ("x" * 6, "x" * 1024):
            self.passwords.check_new(good)
        for bad in ("", "x" * 5, "x" * 1025):
            self.assertRaises(BadPassword, self.passwords.check_new, bad)

    def test_busy(self) -> None:
        """
        The queue has an end, past which it is busy, until there is room.
        """
        waiting = [self.hash(PASSWORD) for _ in range(4)]
        self.failureResultOf(waiting[3], Busy)
        self.lane.step()
        self.successResultOf(waiting[0])
        again = self.hash(PASSWORD)
        self.assertNoResult(again)
        self.lane.step_all()
        self.successResultOf(again)

    def test_failure_makes_room(self) -> None:
        """
        Work that fails takes no place for ever.
        """
        for _ in range(10):
            failed = self.hash(PASSWORD)
            self.lane.fail(MemoryError())
            self.failureResultOf(failed, MemoryError)

    def test_what_it_costs(self) -> None:
        """
        Nothing less than argon2id with 19 MiB and two passes is kept, unless
        somebody chose so.
        """
        passwords = Passwords(InlineLane(), 6)
        kept = self.successResultOf(Deferred.fromCoroutine(passwords.hash(PASSWORD)))
        self.assertTrue(kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), kept)

    def test_warm(self) -> None:
        """
        The first check of a process is made before anybody waits for it.
        """
        self.passwords.start()
        self.assertEqual(len(self.lane.queue), 1)
        self.lane.fail(MemoryError())
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)


class AccountTests(SynchronousTestCase):
    """
    Accounts of a server in memory.
    """

    def setUp(self) -> None:
        """
        Have one.
        """
        self.path = self.mktemp() + "/chat.db"
        self.server = memory_server(self, path=self.path)
        self.register(self.server)

    def register(self, server: MemoryServer) -> None:
        """
        Make an account.
        """
        register = server.chat.accounts.register("alice", PASSWORD)
        self.successResultOf(Deferred.fromCoroutine(register))

    def kept(self, server: MemoryServer) -> str:
        """
        @return: the hash that is stored.
        """
        found = server.chat._database.read(lambda store: store.account("alice"))
        account = self.successResultOf(found)
        assert account is not None
        return account.password_hash

    def test_dated_hash(self) -> None:
        """
        A hash of another cost is made anew at the next login.
        """
        before = self.kept(self.server)
        self.server.chat.accounts._passwords = Passwords(
            InlineLane(), 6, Cost(memory_kib=16, passes=1)
        )
        for _ in range(2):
            login = self.server.chat.accounts.authenticate("alice", PASSWORD)
            self.successResultOf(Deferred.fromCoroutine(login))
            after = self.kept(self.server)
            self.assertIn("m=16", after)
        self.assertNotEqual(before, after)

    def test_dated_hash_that_stays(self) -> None:
        """
        A login does not fail because a better hash can't be kept.
        """
        server = memory_server(self, SteppingLane)
        steps: Any = server.lanes
        register = Deferred.fromCoroutine(server.chat.accounts.register("bob", PASSWORD))
        for name in ("hash", "read", "hash", "write"):
            steps[f"chatroom-{name}"].step()
        self.successResultOf(register)
        server.chat.accounts._passwords = Passwords(InlineLane(), 6, Cost(memory_kib=16, passes=1))
        for error in (StoreUnavailable(), CommitUncertain()):
            login = Deferred.fromCoroutine(server.chat.accounts.authenticate("bob", PASSWORD))
            steps["chatroom-read"].step()
            steps["chatroom-write"].fail(error)
            self.assertEqual(self.successResultOf(login).name, "bob")

    def test_uncertain_registration(self) -> None:
        """
        If nobody knows whether an account was stored, we look.
        """
        for is_stored in (True, False):
            server = memory_server(self, SteppingLane)
            steps: Any = server.lanes
            register = Deferred.fromCoroutine(server.chat.accounts.register("bob", PASSWORD))
            for name in ("hash", "read", "hash"):
                steps[f"chatroom-{name}"].step()
            work, done = steps["chatroom-write"].queue.popleft()
            if is_stored:
                work()
            done.errback(CommitUncertain())
            steps["chatroom-write"].step()
            if is_stored:
                self.assertEqual(self.successResultOf(register).name, "bob")
            else:
                self.failureResultOf(register, StoreUnavailable)

    def test_disabled(self) -> None:
        """
        An account that is disabled is as good as none.
        """
        disable = "UPDATE users SET disabled_at = 1"
        self.server.chat._database.write(lambda store: store._connection.exec_driver_sql(disable))
        login = self.server.chat.accounts.authenticate("alice", PASSWORD)
        self.failureResultOf(Deferred.fromCoroutine(login), WrongCredentials)

    def test_two_at_once(self) -> None:
        """
        Of two who want a name at the same time one gets it.
        """
        server = memory_server(self, SteppingLane)
        both = [
            Deferred.fromCoroutine(server.chat.accounts.register(name, PASSWORD))
            for name in ("bob", "BOB")
        ]
        for _ in range(5):
            for lane in server.lanes.values():
                assert isinstance(lane, SteppingLane)
                lane.step_all()
        self.assertEqual(self.successResultOf(both[0]).name, "bob")
        self.failureResultOf(both[1], UsernameTaken)
