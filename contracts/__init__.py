"""What is true of the data: sources, people, tables, codes. No I/O but its own YAML."""
