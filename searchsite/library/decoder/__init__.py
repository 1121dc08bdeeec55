"""The supervised decoder: the only code that parses uploaded pictures.

`client` asks; `parent` is a warm process that imports Pillow once and forks one limited child a file; `child` limits
itself and answers with bytes; `rendering` is the work. None of it imports Django.
"""
