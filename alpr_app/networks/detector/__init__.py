"""The detector: takes a picture and returns, for every position, a quality score, a box and four corners."""
