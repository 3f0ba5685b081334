"""
A client and older servers: those of this project, and those of the seed.
"""

from typing import Any

from twisted.internet.defer import Deferred

from chatroom.client import Connected, NetworkError, Refusal
from chatroom.client.errors import Unanswered
from chatroom.errors import InvalidMessage, WrongCredentials
from tests.clients import ClientCase


class NamedTests(ClientCase):
    """
    A server that knows no hello, but repeats the name of a request.
    """

    dialect = "named"

    def setUp(self) -> None:
        """
        Have such a server.
        """
        super().setUp()
        self.chat.dialect = self.dialect

    def test_ready(self) -> None:
        """
        The client logs in all the same, and knows its rooms.
        """
        client = self.start()
        self.do(client.ready())
        self.assertEqual(self.told.events, [Connected(server="", is_hello=False)])
        self.assertEqual(client.heads[1].chat_name, "public")
        self.assertEqual(client.positions, {})

    def test_talk(self) -> None:
        """
        One speaks and hears.
        """
        client = self.start()
        stored = self.do(client.room(1).send("one"))
        self.assertEqual(stored.message_id, 1)
        self.chat.say(1, "bob", "two")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "two"])

    def test_order(self) -> None:
        """
        Messages keep their order across lost connections.
        """
        client = self.start()
        sending = [self.begin(client.room(1).send(str(each))) for each in range(5)]
        self.endpoint.link.cut()
        sending += [self.begin(client.room(1).send(str(each))) for each in range(5, 10)]
        self.endpoint.run(5)
        for each in sending:
            self.successResultOf(each)
        self.assertEqual(self.contents(), [str(each) for each in range(10)])

    def test_rooms(self) -> None:
        """
        Rooms are made and joined.
        """
        client = self.start()
        room = self.do(client.create("dev"))
        self.do(room.send("hi"))
        self.assertEqual(self.contents(room.id), ["hi"])
        again = self.begin(client.join("dev"))
        self.assertEqual(self.successResultOf(again), room)
        self.assertEqual(client.heads[room.id].chat_name, "dev")

    def test_what_it_does_not_know(self) -> None:
        """
        What such a server does not know, it refuses.
        """
        client = self.start()
        self.refused(self.begin(client.room(1).history()))
        client.room(1).typing()
        self.endpoint.flow()
        self.assertEqual(self.chat.asked("typing"), [])

    def refused(self, asked: Deferred[Any]) -> None:
        """
        Have been refused, as far as the server says why.
        """
        self.failureResultOf(asked, InvalidMessage)

    def test_wrong_password(self) -> None:
        """
        A wrong password is final here too.
        """
        client = self.start(password="wrong-one")
        self.refused_login(self.begin(client.ready()))
        self.endpoint.run(100)
        self.assertEqual(len(self.endpoint.tried), 1)

    def refused_login(self, ready: Deferred[Any]) -> None:
        """
        Have been refused, as far as the server says why.
        """
        self.failureResultOf(ready, WrongCredentials)

    def test_register(self) -> None:
        """
        An account is made if there is none.
        """
        client = self.start("carol", register=True)
        self.do(client.ready())
        self.assertEqual(client.user_id, 3)

    def test_a_lost_acknowledgement(self) -> None:
        """
        A name for each message keeps it from being stored twice.
        """
        self.chat.lost_answers = 1
        client = self.start()
        sending = self.begin(client.room(1).send("one"))
        self.endpoint.run(2)
        self.assertTrue(self.successResultOf(sending).duplicate)
        self.assertEqual(self.contents(), ["one"])


class PlainTests(NamedTests):
    """
    A server of the seed, which knows no names at all.
    """

    dialect = "plain"

    def refused(self, asked: Deferred[Any]) -> None:
        """
        Have heard a code, and no more.
        """
        error = self.failureResultOf(asked, Refusal).value
        self.assertEqual((error.code, error.reason), (1008, "unknown"))

    def refused_login(self, ready: Deferred[Any]) -> None:
        """
        Have heard nothing but no.
        """
        error = self.failureResultOf(ready, Refusal).value
        self.assertEqual((error.code, error.reason), (1001, "unknown"))

    def test_only_the_seeds_keys(self) -> None:
        """
        Such a server is sent no key that it does not know.
        """
        client = self.start()
        self.do(client.room(1).send("one"))
        self.do(client.create("dev"))
        for each in self.chat.requests[1:]:
            self.assertEqual({"request_id", "client_message_id", "reply_to"} & each.keys(), set())

    def test_a_lost_acknowledgement(self) -> None:
        """
        A message that may have been stored is sent again: at least once is all there is.
        """
        self.chat.lost_answers = 1
        client = self.start()
        sending = self.begin(client.room(1).send("one"))
        self.endpoint.run(2)
        self.assertFalse(self.successResultOf(sending).duplicate)
        self.assertEqual(self.contents(), ["one", "one"])

    def test_one_at_a_time(self) -> None:
        """
        An answer is of what was asked, for nothing else is asked meanwhile.
        """
        client = self.start()
        self.chat.say(1, "bob", "same")
        sending = self.begin(client.room(1).send("same"))
        joining = self.begin(client.join("nowhere"))
        self.assertEqual(self.successResultOf(sending).message_id, 2)
        self.refused_join(joining)

    def refused_join(self, joining: Deferred[Any]) -> None:
        """
        Have heard of no such room.
        """
        error = self.failureResultOf(joining, Refusal).value
        self.assertEqual(error.code, 1004)

    def test_no_answer(self) -> None:
        """
        What is not answered fails in the end, and is not sent again.
        """
        client = self.start()
        self.chat.is_mute = True
        sending = self.begin(client.room(1).send("one"))
        self.endpoint.run(29)
        self.assertNoResult(sending)
        self.endpoint.run(2)
        error = self.failureResultOf(sending, Unanswered).value
        self.assertIsInstance(error, NetworkError)
        self.assertEqual(len(self.chat.asked("chat_message")), 1)

    def test_refused_later(self) -> None:
        """
        A server that lets one in no longer, and does not say why, may only be busy.
        """
        self.start()
        self.chat.login_refusals.append({})
        self.endpoint.link.cut()
        self.endpoint.run(10)
        self.assertEqual(len(self.told.of(Connected)), 2)
