"""The built-in engine: small networks from packages that put texts and pictures into one space, on a CPU."""
