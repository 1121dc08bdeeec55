"""What servers want to hear and how they answer, one module a dialect."""
