"""Files as registers keep them."""
