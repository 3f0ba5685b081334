"""
The history of the schema; each start of the server brings it up to date.
"""
