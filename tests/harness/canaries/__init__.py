"""Strings that stand for secrets, sent everywhere and looked for everywhere."""
