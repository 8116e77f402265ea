"""What a licence plate is: alphabet, formats and `Plate`; the geometry of finding one; tracking; and the errors that
every part of the program raises.

Depends on no other room, on no torch, and touches no files. Every room may use it.
"""
