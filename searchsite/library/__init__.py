"""What people gave us: collections, items, parts, tags, files; and the one gate to them, the scope."""
