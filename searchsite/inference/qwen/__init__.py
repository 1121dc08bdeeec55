"""Qwen3 through transformers: the engine that needs torch. Imported only where a local Qwen network is configured."""
