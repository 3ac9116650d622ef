"""What more than one folder of tests is written with."""
