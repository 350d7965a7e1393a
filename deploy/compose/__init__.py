"""One host, with `docker compose`: what the image is made of and what only the containers need."""
