"""What a licence plate is, and the geometry of finding one: alphabet, formats, `Plate`, letterbox, homography,
tracking, and the errors that every part of the program raises.

Knows nothing else of the package, no torch and no files. Everybody may use it.
"""
