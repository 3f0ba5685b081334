"""
What is kept: the database, and the only code that speaks SQL.
"""
