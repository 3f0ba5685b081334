"""
The rules of the chat: who may do what, and what happens then. It knows no
transport, and its threads are the store's.
"""
