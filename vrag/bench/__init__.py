"""`vrag bench`: queries a second and recall against corpus size, beside what else one could use."""
