"""Drawn plates: Chinese ones after GA 36-2018, and any other kind that a TOML file in `designs` describes."""
