"""Pictures, videos, labels and results on their way from and to files, cameras and the network.

Depends on `core`. All rooms above may use it. What a file claims about itself is checked here and nowhere else.
"""
