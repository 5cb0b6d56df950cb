"""Closes a process in: what it, and all that it starts, may read, write, connect to and use up.

`enclosure.py` says what an enclosure is, and how a program is started in one; `enclosed.py` runs in that process first.
The rest of what this folder imports there is the standard library: it runs before each start, with all rights yet.
"""
