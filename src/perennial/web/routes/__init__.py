"""One file for each kind of page: how it is asked for, and as what it is answered."""
