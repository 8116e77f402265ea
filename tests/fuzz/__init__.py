"""Damaged and hostile inputs for everything that reads what comes from outside."""
