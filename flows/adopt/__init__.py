"""An existing database, cleaned of duplicates and brought under keys while writers go on."""
