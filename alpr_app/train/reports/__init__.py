"""What came of a run: curves, mistakes, confusions, and the page that shows them."""
