"""
The command line: how options, the environment and the defaults come together,
and what is said of bad ones.
"""

import os
import sys
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from attrs import Attribute
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import (
    IServiceCollection,
    IServiceMaker,
    Service,
    loadApplication,
)
from twisted.internet.error import CannotListenError
from twisted.plugin import IPlugin
from twisted.plugins import chatroom_plugin
from twisted.trial.unittest import SynchronousTestCase

from chatroom import __version__
from chatroom.errors import StartError
from chatroom.server.service import ChatService
from chatroom.settings import Settings, options
from chatroom.tap import DEFAULT_PORT, Launcher, Operated, Options, makeService
from tests.pages import code, sections

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def parse(*arguments: str, **environment: str) -> Options:
    """
    @return: what a command line means.
    """
    parsed = Options(environment)
    parsed.parseOptions(arguments)
    return parsed


def option(name: str) -> str:
    """
    @return: how the command line calls a setting.
    """
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """
    @return: how the environment calls a setting.
    """
    return "CHATROOM_" + name.upper()


def read(each: "Attribute[Any]", text: str) -> Any:
    """
    @return: a value of a setting, in its type.
    """
    assert each.type is not None
    return each.type(text)


#: Two values for each setting, neither of them the default.
CHOICES = {
    "database": ("sqlite:///one.db", "sqlite:///two.db"),
    "admin_socket": ("one.sock", "off"),
    "language": ("en", "en"),
    "registration": ("closed", "closed"),
    "content_chars": ("100", "200"),
    "password_chars": ("8", "9"),
    "line_bytes": ("70000", "80000"),
    "login_line_bytes": ("2000", "3000"),
    "login_seconds": ("0.5", "7"),
    "anonymous_per_address": ("1", "2"),
    "anonymous_connections": ("3", "4"),
    "connections_per_address": ("5", "6"),
    "sessions_per_user": ("7", "8"),
    "login_tries": ("9", "11"),
    "registrations_per_hour": ("12", "13"),
    "post_burst": ("14", "15"),
    "post_rate": ("0.5", "16"),
    "search_rate": ("2.5", "7"),
    "room_members": ("17", "18"),
    "rooms_per_user": ("19", "21"),
    "push_bytes": ("100000", "200000"),
    "stall_seconds": ("2.5", "3"),
    "retention_days": ("0.5", "365"),
    "retention_events": ("1000", "2000"),
    "heartbeat_seconds": ("0", "2.5"),
    "token_days": ("0.5", "7"),
    "files": ("one.files", "none"),
    "file_bytes": ("1000", "2000"),
    "user_files_bytes": ("0", "3000"),
    "all_files_bytes": ("4000", "5000"),
    "hash_threads": ("3", "4"),
    "stall_log_milliseconds": ("50", "0"),
}


class ChoiceTests(SynchronousTestCase):
    """
    Who decides: the command line, else the environment, else the default.
    """

    def test_complete(self) -> None:
        """
        Every setting is tried here.
        """
        self.assertEqual(set(CHOICES), {each.name for each in options()})

    def test_default(self) -> None:
        """
        What nobody chooses is the default.
        """
        self.assertEqual(parse().settings, Settings())
        self.assertEqual(parse().ports, [DEFAULT_PORT])

    def test_option(self) -> None:
        """
        Every setting has an option, read in the setting's own type.
        """
        for each in options():
            for text in CHOICES[each.name]:
                chosen = getattr(parse(option(each.name), text).settings, each.name)
                self.assertEqual(chosen, read(each, text), each.name)
                self.assertIs(type(chosen), type(each.default), each.name)

    def test_environment(self) -> None:
        """
        Every setting has a variable of the environment.
        """
        for each in options():
            text, _ = CHOICES[each.name]
            chosen = parse(**{variable(each.name): text}).settings
            self.assertEqual(chosen, Settings(**{each.name: read(each, text)}))

    def test_option_first(self) -> None:
        """
        An option wins over the environment.
        """
        for name, (one, two) in CHOICES.items():
            both = parse(option(name), one, **{variable(name): two})
            self.assertEqual(both.settings, parse(option(name), one).settings)

    def test_empty_variable(self) -> None:
        """
        An empty variable chooses nothing.
        """
        empty = {variable(name): "" for name in [*CHOICES, "port"]}
        self.assertEqual(parse(**empty).settings, Settings())
        self.assertEqual(parse(**empty).ports, [DEFAULT_PORT])


class LogFormatTests(SynchronousTestCase):
    """
    How the log is written.
    """

    def test_chosen(self) -> None:
        """
        The command line decides, else the environment; else it is text.
        """
        self.assertEqual(parse().log_format, "text")
        self.assertEqual(parse("--log-format", "json").log_format, "json")
        self.assertEqual(parse(CHATROOM_LOG_FORMAT="json").log_format, "json")
        both = parse("--log-format", "text", CHATROOM_LOG_FORMAT="json")
        self.assertEqual(both.log_format, "text")
        self.assertEqual(parse(CHATROOM_LOG_FORMAT="").log_format, "text")


class PortTests(SynchronousTestCase):
    """
    Where to listen.
    """

    def test_several(self) -> None:
        """
        There may be several ports, on the command line and in the environment.
        """
        ports = ["tcp:7000", "unix:chat.sock"]
        self.assertEqual(parse("--port", ports[0], "--port", ports[1]).ports, ports)
        self.assertEqual(parse(CHATROOM_PORT=" ".join(ports)).ports, ports)

    def test_option_first(self) -> None:
        """
        Ports on the command line replace those of the environment.
        """
        self.assertEqual(parse("--port", "tcp:1", CHATROOM_PORT="tcp:2 tcp:3").ports, ["tcp:1"])

    def test_number(self) -> None:
        """
        A number alone is a port of this machine alone.
        """
        self.assertEqual(parse("--port", "7000").ports, ["tcp:7000:interface=127.0.0.1"])
        self.assertEqual(parse(CHATROOM_PORT="7000").ports, ["tcp:7000:interface=127.0.0.1"])

    def test_default_is_local(self) -> None:
        """
        The server is not open to the world unless somebody says so.
        """
        self.assertIn("interface=127.0.0.1", DEFAULT_PORT)


class RefusalTests(SynchronousTestCase):
    """
    A mistake is one line that says what to change.
    """

    def refused(self, *arguments: str, **environment: str) -> str:
        """
        @return: the line that is said of a command line.
        """
        error = self.assertRaises(
            SystemExit, lambda: makeService(parse(*arguments, **environment))
        )
        line = str(error.code)
        self.assertTrue(line.startswith("chatroom: "), line)
        self.assertEqual(len(line.splitlines()), 1, line)
        return line

    def test_unknown_option(self) -> None:
        """
        An unknown option is named.
        """
        self.assertIn("--colour", self.refused("--colour", "red"))

    def test_missing_value(self) -> None:
        """
        An option without its value is named.
        """
        self.assertIn("--language", self.refused("--language"))

    def test_argument(self) -> None:
        """
        What is no option is named.
        """
        self.assertIn("unexpected argument: 8888", self.refused("8888"))

    def test_not_a_number(self) -> None:
        """
        What should be a number is named as it was given, wherever it was.
        """
        for each in options():
            if each.type is not str:
                self.assertIn(f"{option(each.name)} must be", self.refused(option(each.name), "x"))
                name = variable(each.name)
                self.assertIn(f"{name} must be", self.refused(**{name: "x"}))

    def test_half_a_thread(self) -> None:
        """
        A fraction is no whole number.
        """
        self.assertIn("a whole number, not '1.5'", self.refused("--hash-threads", "1.5"))

    def test_out_of_bounds(self) -> None:
        """
        A number out of bounds is named, and so are the bounds.
        """
        self.assertIn("--hash-threads must be from 1 to 64", self.refused("--hash-threads", "0"))

    def test_language(self) -> None:
        """
        A language that the server does not speak is named, and so are those it does.
        """
        self.assertIn("zh, en, not 'tlh'", self.refused("--language", "tlh"))

    def test_log_format(self) -> None:
        """
        A format that there is not is named, and so are those there are.
        """
        line = "--log-format must be one of text, json, not 'xml'"
        self.assertIn(line, self.refused("--log-format", "xml"))
        self.assertIn(line, self.refused(CHATROOM_LOG_FORMAT="xml"))

    def test_database(self) -> None:
        """
        What is no URL of a database that can be used is named.
        """
        for url in (
            "chat.db",
            "sqlite://",
            "sqlite:///:memory:",
            "mysql://localhost/chat",
            "x://",
        ):
            line = self.refused("--database", url)
            self.assertTrue(line.startswith("chatroom: database: "), line)
            self.assertIn("sqlite", line)

    def test_empty_database(self) -> None:
        """
        An empty name of a database is refused.
        """
        self.assertIn("database", self.refused("--database", ""))

    def test_port(self) -> None:
        """
        What is no endpoint is named, and one is shown.
        """
        for port in ("", "tcp", "tcp:", "tcp:http", "fax:8888", "tcp:1:2:3:4:5", "-1", "::1"):
            line = self.refused("--port", port)
            self.assertIn(f"--port {port!r} is no endpoint", line)
            self.assertIn(DEFAULT_PORT, line)

    def test_port_of_environment(self) -> None:
        """
        The environment's endpoints are checked too.
        """
        self.assertIn("'fax:1'", self.refused(CHATROOM_PORT="tcp:0 fax:1"))

    def test_key(self) -> None:
        """
        A TLS key that is not there is named.
        """
        self.assertIn("nothing.pem", self.refused("--port", "ssl:1:privateKey=nothing.pem"))

    def test_no_key(self) -> None:
        """
        What is no TLS key is refused, as such.
        """
        port = f"ssl:1:privateKey={README}"
        self.assertIn(f"{port!r} cannot be used: ", self.refused("--port", port))


class Failing(Service):
    """
    A service that can't open its ports.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    def privilegedStartService(self) -> None:
        """Fail."""
        raise self._error


class StartTests(SynchronousTestCase):
    """
    What the operator is told of a server that can't start.
    """

    def operated(self) -> tuple[Operated, TextIO]:
        """
        @return: a service, and what its operator sees.
        """
        reading, writing = os.pipe()
        terminal = open(reading)  # noqa: SIM115
        self.addCleanup(terminal.close)
        return Operated(writing), terminal

    def told(self, error: Exception, raised: type[Exception] = StartError) -> str:
        """
        @return: what the terminal shows of an error.
        """
        operated, terminal = self.operated()
        Failing(error).setServiceParent(operated)
        self.assertRaises(raised, operated.privilegedStartService)
        return terminal.read()

    def test_port(self) -> None:
        """
        A port that can't be listened on is named, with its interface if it has one.
        """
        taken = OSError(98, "Address already in use")
        because = "Address already in use; --port chooses another\n"
        for interface, port, where in (
            ("127.0.0.1", 8888, "port 8888 of 127.0.0.1"),
            ("", 8888, "port 8888"),
            (None, b"chat.sock", "chat.sock"),
        ):
            told = self.told(CannotListenError(interface, port, taken))
            self.assertEqual(told, f"chatroom: cannot listen on {where}: {because}")

    def test_lock(self) -> None:
        """
        A reason that is only a text is told as it is.
        """
        told = self.told(CannotListenError(None, b"chat.sock", "Cannot acquire lock"))
        self.assertIn("chat.sock: Cannot acquire lock;", told)

    def test_file(self) -> None:
        """
        A file that can't be used is named.
        """
        told = self.told(FileNotFoundError(2, "No such file or directory", "nowhere/chat.sock"))
        self.assertIn("nowhere/chat.sock", told)

    def test_unexpected(self) -> None:
        """
        What nobody has thought of is told too, and stays what it is.
        """
        told = self.told(KeyError("what?"), KeyError)
        self.assertEqual(told, "chatroom: KeyError('what?')\n")

    def test_started(self) -> None:
        """
        A server that has started lets go of the terminal.
        """
        operated, terminal = self.operated()
        operated.privilegedStartService()
        operated.startService()
        self.assertEqual(terminal.read(), "")

    def test_launcher(self) -> None:
        """
        C{twistd} does not say again what was told; all else it says.
        """
        terminal = StringIO()
        launcher = Launcher(terminal)
        launcher.write("An error has occurred: b'chatroom.errors.StartError: cannot listen'\n")
        launcher.write("An error has occurred: b'PermissionError: twistd.pid'\n")
        self.assertEqual(
            terminal.getvalue(), "An error has occurred: b'PermissionError: twistd.pid'\n"
        )


class HelpTests(SynchronousTestCase):
    """
    What is told of the options.
    """

    def test_help(self) -> None:
        """
        The help has every option.
        """
        text = str(parse())
        for name in [*CHOICES, "port", "log_format", "help", "version"]:
            self.assertIn(option(name), text)

    def test_version(self) -> None:
        """
        C{--version} says which version of the server this is, and nothing else is done.
        """
        said: list[str] = []
        self.patch(sys, "stdout", type("Said", (), {"write": said.append}))
        error = self.assertRaises(SystemExit, parse, "--version")
        self.assertEqual((said, error.code), ([f"chatroom {__version__}\n"], 0))

    def test_readme(self) -> None:
        """
        The README's table has every option, its variable, its default and its purpose.
        """
        [table] = next(each for each in sections(README) if each.heading == "Options").tables
        rows = {code(row[0]): [code(row[1]), code(row[2]), row[3]] for row in table}
        expected = {
            option(each.name): [variable(each.name), str(each.default), each.metadata["help"]]
            for each in options()
        }
        port = "where to listen, as a Twisted endpoint; may be given several times"
        expected["--port"] = ["CHATROOM_PORT", DEFAULT_PORT, port]
        form = "how the log is written: text or json"
        expected["--log-format"] = ["CHATROOM_LOG_FORMAT", "text", form]
        self.assertEqual(rows, expected)


class PluginTests(SynchronousTestCase):
    """
    How C{twistd} knows the server.
    """

    def test_tac(self) -> None:
        """
        C{chatroom.tac} is the server with its defaults.
        """
        application = loadApplication(str(ROOT / "chatroom.tac"), "python")
        [chat] = IServiceCollection(application)
        assert isinstance(chat, ChatService)
        self.assertEqual(chat.settings, Settings())
        _, port = chat.services
        self.assertIsInstance(port, StreamServerEndpointService)

    def test_plugin(self) -> None:
        """
        The plugin names the options and the service.
        """
        maker = chatroom_plugin.chatroom
        self.assertTrue(IPlugin.providedBy(maker))
        self.assertTrue(IServiceMaker.providedBy(maker))
        self.assertEqual(maker.tapname, "chatroom")
        self.assertIs(maker.options, Options)
        self.assertIs(maker.makeService, makeService)
