"""
The operator's log: events with names and fields, as text or as JSON.
"""
