"""The JSON twin of the pages' verbs."""
