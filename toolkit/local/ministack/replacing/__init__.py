"""How names of ministack are replaced, and the table of them."""
