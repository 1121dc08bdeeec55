"""searchsite: a team finds its images, screenshots and texts again by meaning."""
