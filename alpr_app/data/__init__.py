"""Pictures, videos, labels and results on their way from and to files, cameras and the network.

Knows `core`. Everything above may use it; what a file claims about itself is checked here and nowhere else.
"""
