"""How well résumés are read: files made with public tools, every reader, one table."""
