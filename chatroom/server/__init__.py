"""
Conversations: from the lines of a connection to the rules, and back.
"""
