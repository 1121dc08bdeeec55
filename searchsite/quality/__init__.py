"""How well search answers: what people mark and open, sets of files and questions, scores, and how they change."""
