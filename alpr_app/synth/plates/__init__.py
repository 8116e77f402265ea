"""Drawn plates: Chinese ones after GA 36-2018, and others that TOML files such as those in `designs` describe."""
