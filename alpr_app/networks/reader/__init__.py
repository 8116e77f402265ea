"""The reader: a rectified plate in, its text, colour and the confidence of every character out."""
