"""Vector stores: what every one can do, the values it keeps, and the filters it understands."""
