"""Getting files over HTTP whole or not at all, politely, and through kills, dead mirrors and wrong bytes."""
