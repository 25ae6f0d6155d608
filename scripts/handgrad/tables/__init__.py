"""Tables, one module each, from run files and other tables; selection of the best; significance."""
