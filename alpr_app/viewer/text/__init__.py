"""The words of the window, in English and in Chinese.

The English sentences stand in the code, in calls of `language.tr`. `chinese.toml` has the translation of each: a
translator edits this file alone.
"""
