from twisted.application.service import ServiceMaker

chatroom = ServiceMaker(
    "chatroom", "chatroom.tap", "A chat server in one process and one file.", "chatroom"
)
