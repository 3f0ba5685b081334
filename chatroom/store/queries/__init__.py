"""
Every query, by topic: each class here is a part of L{chatroom.store.repository.Repository}.
"""
