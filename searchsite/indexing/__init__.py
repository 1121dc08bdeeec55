"""Parts become embeddings, captions and text. Only writes; owns the spaces."""
