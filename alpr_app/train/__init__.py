"""Everything that is only needed to make models; nothing that recognises plates imports it."""
