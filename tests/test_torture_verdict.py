"""
The verdict: it finds whatever must not be, and nothing where all is well.
"""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chatroom.torture.histories import (
    Acknowledged,
    Changed,
    Entry,
    Event,
    Evidence,
    Glimpse,
    Place,
    Row,
    Session,
)
from chatroom.torture.state import state_after
from chatroom.torture.verdict import CHECKS, judge
from tests.forgeries import (
    DELETED,
    EDITED,
    LIVE,
    LOG,
    ONE,
    OOPS,
    ROOM,
    TWO,
    acknowledged,
    alice,
    bob,
    evidence,
    rows,
    sessions,
)


def glimpse_of(event: Event) -> Glimpse:
    """
    @return: an event, as the seed dialect has it.
    """
    return Glimpse(event.room, event.message or 0, event.user, event.text or "")


def heards(*heard: list[Event | Place]) -> tuple[list[Event | Place], ...]:
    """
    @return: what was heard on some connections.
    """
    return heard


class VerdictTests(SynchronousTestCase):
    """
    Each forgery is of one kind, and found as that.
    """

    def finds(self, forged: Evidence, *names: str) -> None:
        """
        Insist on what is found.
        """
        wrong = judge(forged).wrong
        self.assertEqual({name for name, found in wrong.items() if found}, set(names), wrong)

    def test_honest(self) -> None:
        """
        Where everything is as promised, nothing is found, and everything was looked at.
        """
        findings = judge(evidence())
        self.assertTrue(findings.is_clean, findings.wrong)
        self.assertEqual((findings.stored, findings.checked), (8, 5 + 5 + 8 + 5 + 3 + 4))
        self.assertEqual(list(findings.wrong), list(CHECKS))

    def test_lost(self) -> None:
        """
        What a program was told is stored, and is not.
        """
        liar = bob()
        liar.said["1-2"] = (ROOM, "1-2 gone")
        liar.acknowledged["1-2"] = Acknowledged(name="1-2", room=ROOM, seq=9, message=109)
        self.finds(evolve(evidence(), testimonies=[alice(), liar]), "acknowledged and lost")

    def test_lost_after_the_wire(self) -> None:
        """
        An acknowledgement counts even if it never arrived.
        """
        lost = Acknowledged(name="1-0", room=ROOM, seq=9, message=109)
        session = Session(client=1, acknowledged=[lost])
        forged = evolve(evidence(), sessions=[*sessions(), session])
        self.finds(forged, "acknowledged and lost", "stored twice")

    def test_lost_change(self) -> None:
        """
        An edit that was acknowledged is in the log.
        """
        liar = alice()
        liar.changed.append(Changed(kind="message_edited", room=ROOM, seq=9, message=103))
        self.finds(evolve(evidence(), testimonies=[liar, bob()]), "acknowledged and lost")

    def test_otherwise(self) -> None:
        """
        A message is where its sender was told that it is, and is theirs.
        """
        for wrong in (evolve(acknowledged(ONE, "0-0"), seq=4), acknowledged(TWO, "0-0")):
            liar = alice()
            liar.acknowledged["0-0"] = wrong
            forged = evolve(evidence(), testimonies=[liar, bob()])
            self.finds(forged, "acknowledged otherwise than stored", "stored twice")

    def test_never_acknowledged(self) -> None:
        """
        In the end, everything is acknowledged.
        """
        waiting = bob()
        del waiting.acknowledged["1-0"]
        self.finds(evolve(evidence(), testimonies=[alice(), waiting]), "never acknowledged")

    def test_stored_twice(self) -> None:
        """
        A message has one place in the log.
        """
        again = evolve(TWO, seq=9, message=109)
        told = [bob(), alice()]
        for each in told:
            each.runs[-1] = [*each.runs[-1], again]
        log = [*LOG, again]
        forged = evolve(
            evidence(),
            log={ROOM: log},
            testimonies=told,
            pages={ROOM: state_after(log)},
            rows=None,
        )
        self.finds(forged, "stored twice", "overtaken by later words of the same client")

    def test_deleted_and_stored_twice(self) -> None:
        """
        Of a deleted message, the file tells that it is there twice.
        """
        forged = rows()
        forged[6] = evolve(forged[6], name="1-0")
        self.finds(evolve(evidence(), rows=forged), "stored twice")

    def test_gap(self) -> None:
        """
        No seq is left out, neither where it is sent nor in the file.
        """
        for place in (2, 7):
            forged = rows()
            del forged[place]
            self.finds(evolve(evidence(), rows=forged), "gaps in seq")
        log = {ROOM: [*LOG[:3], *LOG[4:]]}
        self.assertTrue(judge(evolve(evidence(), log=log)).wrong["gaps in seq"])

    def test_never_said(self) -> None:
        """
        Everything stored was said by somebody.
        """
        forger = bob()
        del forger.said["1-0"], forger.acknowledged["1-0"]
        forged = evolve(evidence(), testimonies=[alice(), forger])
        self.finds(forged, "stored and never said", "altered")

    def test_unstored(self) -> None:
        """
        Nothing was shown that is not stored.
        """
        shown = evolve(TWO, seq=9, message=109)
        forged = sessions()
        forged[2].heard.append(shown)
        self.finds(evolve(evidence(), sessions=forged), "shown and not stored")

    def test_file_has_more(self) -> None:
        """
        What the file has, everybody is told.
        """
        more = Row(room=ROOM, seq=9, id=109, user=11, name=None)
        self.finds(evolve(evidence(), rows=[*rows(), more]), "shown and not stored")

    def test_reordered(self) -> None:
        """
        Everybody was told the one order that is stored.
        """
        swapped = [*LIVE[:2], evolve(TWO, seq=3), evolve(ONE, seq=4), *LIVE[4:]]
        liar = bob()
        liar.runs = [swapped]
        self.finds(evolve(evidence(), testimonies=[alice(), liar]), "told in another order")

    def test_overtaken(self) -> None:
        """
        What one says in a room keeps its order, even of what is deleted.
        """
        swapped = bob()
        swapped.said = {"1-5": (ROOM, "1-5 two"), "1-1": (ROOM, "1-1 oops")}
        swapped.acknowledged = {
            "1-5": acknowledged(TWO, "1-5"),
            "1-1": acknowledged(OOPS, "1-1"),
        }
        renamed = evolve(TWO, text="1-5 two")
        log = [renamed if each is TWO else each for each in LOG]
        swapped.runs = [[renamed if each is TWO else each for each in LIVE]]
        first = alice()
        first.runs = [LIVE[:3], log[2:]]
        forged = evolve(
            evidence(),
            log={ROOM: log},
            pages={ROOM: state_after(log)},
            testimonies=[first, swapped],
            sessions=[],
            rows=None,
        )
        self.finds(forged, "overtaken by later words of the same client")

    def test_altered(self) -> None:
        """
        What is told is what was said.
        """
        forged = sessions()
        forged[1].heard[-1] = evolve(TWO, text="1-0 two and a half")
        self.finds(evolve(evidence(), sessions=forged), "altered")

    def test_an_edit_altered(self) -> None:
        """
        A message says what its last edit was acknowledged as.
        """
        liar = alice()
        liar.edits["0-0"].add("0-0 ONE")
        liar.changed[0] = evolve(liar.changed[0], text="0-0 ONE")
        self.finds(evolve(evidence(), testimonies=[liar, bob()]), "altered")

    def test_missed(self) -> None:
        """
        A program was told everything: in the middle, up to the end, from the beginning on,
        and where it crashed.
        """
        for runs in (
            [[*LIVE[:4], *LIVE[5:]]],
            [LIVE[:5], LOG[6:]],
        ):
            deaf = alice()
            deaf.runs = runs
            wrong = judge(evolve(evidence(), testimonies=[deaf, bob()])).wrong
            self.assertTrue(wrong["missed by a client"])
        states = "differences of state"
        for run, *more in ((LIVE[:-1], states), (LIVE[3:],), (list[Event](), states)):
            deaf = bob()
            deaf.runs = [run]
            forged = evolve(evidence(), testimonies=[alice(), deaf])
            self.finds(forged, "missed by a client", *more)

    def test_told_twice(self) -> None:
        """
        In one life, a program is told everything once.
        """
        hearing = bob()
        hearing.runs = [[*LIVE[:4], TWO, *LIVE[4:]]]
        self.finds(evolve(evidence(), testimonies=[alice(), hearing]), "told twice by a client")

    def test_missed_on_a_connection(self) -> None:
        """
        The server leaves nothing out on a connection, nor between what a client knows and
        what it sends first.
        """
        for heard in heards([Place(ROOM, 3), *LIVE[4:]], [*LIVE[:3], *LIVE[4:]]):
            forged = [*sessions(), Session(client=1, heard=heard)]
            self.finds(evolve(evidence(), sessions=forged), "missed on a connection")

    def test_twice_on_a_connection(self) -> None:
        """
        The server sends nothing twice on a connection, nor what a client knows.
        """
        for heard in heards([Place(ROOM, 5), *LIVE[4:]], [*LIVE[:4], TWO]):
            forged = [*sessions(), Session(client=1, heard=heard)]
            self.finds(evolve(evidence(), sessions=forged), "sent twice on a connection")

    def test_asked_again(self) -> None:
        """
        A client that asks again for a room may be sent what was under way already.
        """
        [heard] = heards([Place(ROOM, 2), *LIVE[2:5], Place(ROOM, 4), *LIVE[4:]])
        self.finds(evolve(evidence(), sessions=[*sessions(), Session(client=1, heard=heard)]))

    def test_looking_on(self) -> None:
        """
        In the seed dialect, too, nothing is left out, repeated, altered or not stored.
        """
        one, two, three = (glimpse_of(each) for each in (ONE, TWO, OOPS))
        self.looks(one, two, three)
        self.looks(two, three)
        self.looks(one, three, wrong="missed on a connection")
        self.looks(one, two, two, wrong="sent twice on a connection")
        self.looks(two, one, wrong="sent twice on a connection")
        self.looks(evolve(one, text="1-0 one"), wrong="altered")
        self.looks(evolve(one, message=109), wrong="shown and not stored")

    def looks(self, *glimpsed: Glimpse, wrong: str | None = None) -> None:
        """
        Insist on what is found if an onlooker was sent this on one connection.
        """
        session = Session(client=2, glimpsed=list(glimpsed))
        forged = evolve(evidence(), sessions=[*sessions(), session])
        self.finds(forged, *([] if wrong is None else [wrong]))

    def test_states(self) -> None:
        """
        To everybody, a message says the same in the end, and so do pages of the history.
        """
        page = {**state_after(LOG), 104: Entry(text="1-0 two", is_deleted=True)}
        self.finds(evolve(evidence(), pages={ROOM: page}), "differences of state")
        known = bob()
        known.runs = [[evolve(each, text="0-0 one") if each is EDITED else each for each in LIVE]]
        self.finds(evolve(evidence(), testimonies=[alice(), known]), "differences of state")

    def test_surprises_and_troubles(self) -> None:
        """
        What a client was told that must not be, and what else went wrong, is shown.
        """
        surprised = bob()
        surprised.surprises.append("Missed")
        forged = evolve(
            evidence(), testimonies=[alice(), surprised], troubles={"other": ["trouble"]}
        )
        self.finds(forged, "surprises", "other")
        session = Session(client=0, surprises=["no message"])
        self.finds(evolve(evidence(), sessions=[session]), "surprises")


class StateTests(SynchronousTestCase):
    """
    What messages say, in the end.
    """

    def test_live_or_replayed(self) -> None:
        """
        It is the same for those who were there, who came later, or were told some again.
        """
        for events in (LIVE, LOG, [*LIVE, *LOG[3:]]):
            self.assertEqual(
                state_after(events),
                {
                    103: Entry(text="0-0 One.", reactions=frozenset({(12, "eyes")})),
                    104: Entry(text="1-0 two"),
                    107: Entry(text="", is_deleted=True),
                },
            )

    def test_taken_back(self) -> None:
        """
        A reaction may be taken back, and nothing is left of a deleted message.
        """
        gone = Event(ROOM, 9, "reaction_changed", 12, 103, "-eyes")
        late = Event(ROOM, 10, "message_edited", 12, 107, text="1-1 again")
        liked = Event(ROOM, 8, "reaction_changed", 11, 107, "+eyes")
        state = state_after([ONE, *LIVE[5:-1], liked, DELETED, gone, late])
        self.assertEqual(state[103], Entry(text="0-0 one"))
        self.assertEqual(state[107], Entry(text="", is_deleted=True))
