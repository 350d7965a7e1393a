"""Who is responsible: which department, by which rule, due when."""
