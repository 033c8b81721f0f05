"""What is derived: notebooks, tables, the website, the picture of the architecture."""
