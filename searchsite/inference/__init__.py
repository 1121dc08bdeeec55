"""What runs neural networks, always behind a wire: plain Python, no Django, no Celery."""
