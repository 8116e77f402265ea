"""The detector: a picture in, for every place a quality score, a box and four corners out."""
