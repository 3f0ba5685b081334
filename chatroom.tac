"""
A server as a file of settings: twistd --python chatroom.tac
"""

from twisted.application import strports
from twisted.application.service import Application
from twisted.internet import reactor

from chatroom.assembly import assemble
from chatroom.clock import keep_steady
from chatroom.memory import collect_seldom
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings

application = Application("chatroom")
keep_steady(reactor)
collect_seldom(reactor)
chat = assemble(Settings(database="sqlite:///chatroom.db"), reactor)
strports.service("tcp:8888:interface=127.0.0.1", ChatFactory(chat), reactor).setServiceParent(chat)
chat.setServiceParent(application)
