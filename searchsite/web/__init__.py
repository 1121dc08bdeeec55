"""All pages."""
