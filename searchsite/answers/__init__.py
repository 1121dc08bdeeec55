"""Questions answered from the library, with citations."""
