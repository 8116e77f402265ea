"""The reader: takes a rectified plate and returns its text, its colour and the confidence of every character."""
